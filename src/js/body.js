// The body of an answer, read piece by piece, so that one without an end does not fill the memory.

/** The text of a stream; nothing where it has more than `most` bytes, and then the rest is not taken. */
export async function bodyText(stream, most) {
  if (!stream) return "";
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > most) {
      reader.cancel().catch(() => undefined);
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
}
