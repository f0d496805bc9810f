// Puts into a bundle which line of the project each of its own lines comes from, so that the SDK can tell an exception's
// place: node lines.mjs BUNDLE PROJECT. The bundle's source map lies beside it, as esbuild wrote it.
import { appendFileSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, relative, resolve, sep } from "node:path";

const [bundle, project] = process.argv.slice(2);
const map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, "utf8")));
const files = [];
const lines = readFileSync(bundle, "utf8").split("\n").map((text, index) => {
  // The first thing in the line that comes from anywhere.
  for (let column = text.search(/\S/); column >= 0 && column <= text.length; column++) {
    const entry = map.findEntry(index, column);
    if (entry.generatedLine !== index || entry.originalSource === undefined) continue;
    const file = relative(project, resolve(dirname(bundle), entry.originalSource)).split(sep).join("/");
    // A folder of this machine is nobody's business.
    const shown = file.startsWith("../") ? file.split("/").slice(-2).join("/") : file;
    if (!files.includes(shown)) files.push(shown);
    return [files.indexOf(shown), entry.originalLine + 1];
  }
  return 0;
});
appendFileSync(bundle, `globalThis.dualwrightLines=${JSON.stringify({ files, lines })};\n`);
