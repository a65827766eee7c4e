/** Letters that Unicode does not take apart into a base letter and a mark. */
const letters: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  ß: "ss",
  ł: "l",
  đ: "d",
  ð: "d",
  þ: "th",
  ħ: "h",
  ı: "i",
  ə: "e",
  ŋ: "n",
};
const whole = new RegExp(`[${Object.keys(letters).join("")}]`, "g");

/**
 * The form under which names are indexed and looked for: no case, no diacritics, no apostrophes, and
 * single spaces for whatever else is not a letter or a digit. "Saint-Étienne" and "saint etienne" meet.
 */
export function fold(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFD")
    .replace(/[\p{M}'’‘ʻʼ`]/gu, "")
    .replace(whole, (letter) => letters[letter] ?? letter)
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}
