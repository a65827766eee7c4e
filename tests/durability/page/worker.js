import { write } from "./writer.js";

onmessage = ({ data }) => write(data);
