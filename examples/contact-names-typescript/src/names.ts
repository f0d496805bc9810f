// One name as F&O keeps it, two as Dataverse does.

/** The two parts of a person's name. */
export interface Name {
  first: string | null;
  last: string;
}

/** Words that belong to the family name which follows them: Ludwig van Beethoven, Vincent de la Cruz. */
const PARTICLES = new Set(["van", "von", "der", "den", "de", "del", "della", "di", "da", "la", "le", "ter", "ten", "zu", "bin", "al"]);

/** `Beethoven, Ludwig van` and `Ludwig van Beethoven` alike; a single word is a family name. */
export function split(whole: string): Name {
  const comma = whole.indexOf(",");
  if (comma >= 0) {
    const last = tidy(whole.slice(0, comma));
    const first = tidy(whole.slice(comma + 1));
    if (last !== "") return { first: first === "" ? null : first, last };
    return split(first);
  }
  const words = tidy(whole).split(" ");
  // The family name begins with its first particle, which is never the first word of all: that is a given name.
  let start = words.length - 1;
  while (start > 1 && PARTICLES.has((words[start - 1] ?? "").toLowerCase())) start -= 1;
  const first = words.slice(0, start).join(" ");
  return { first: first === "" ? null : first, last: words.slice(start).join(" ") };
}

/** And back: given name first. */
export function join(first: string | null, last: string): string {
  return tidy(`${first ?? ""} ${last}`);
}

function tidy(text: string): string {
  return text.trim().replace(/\s+/gu, " ");
}
