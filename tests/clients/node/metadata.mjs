// `$metadata` of both emulators: valid by the schema that OASIS publishes, and good enough for a generator of clients.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { memoryPages, validateXML } from "xmllint-wasm";
import { assert, DATAVERSE, FINOPS, Report, token } from "./report.mjs";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const packages = (name) => dirname(require.resolve(`${name}/package.json`));
const schemas = join(packages("odata-csdl"), "schemas");
const edm = { fileName: "edm.xsd", contents: await readFile(join(schemas, "edm.xsd"), "utf8") };
const edmx = { fileName: "edmx.xsd", contents: await readFile(join(schemas, "edmx.xsd"), "utf8") };

async function valid(text) {
  const result = await validateXML({
    xml: [{ fileName: "metadata.xml", contents: text }],
    schema: [edmx],
    preload: [edm],
    initialMemoryPages: memoryPages.MiB * 64,
    maxMemoryPages: memoryPages.MiB * 512,
  });
  return result.valid ? [] : result.errors.map((error) => error.message);
}

/** Generates a whole client and has the compiler read it. */
async function generate(text, table) {
  const folder = await mkdtemp(join(process.cwd(), "odata2ts-"));
  await writeFile(join(folder, "metadata.xml"), text);
  const options = { target: "ES2022", module: "ESNext", moduleResolution: "Bundler", strict: true, skipLibCheck: true };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
  const generator = join(packages("@odata2ts/odata2ts"), "lib", "run-cli.js");
  const wanted = ["--source", "metadata.xml", "--output", "generated", "--mode", "service", "--emit-mode", "ts", "--service-name", "Emulator"];
  await run(process.execPath, [generator, ...wanted], { cwd: folder });
  const service = await readFile(join(folder, "generated", "EmulatorService.ts"), "utf8");
  assert.ok(service.includes(`public ${table}(`), `no ${table} in the generated service`);
  const compiler = join(packages("typescript"), "bin", "tsc");
  await run(process.execPath, [compiler, "--noEmit"], { cwd: folder }).catch((error) => {
    throw new Error(`the compiler refuses what was generated: ${error.stdout}`);
  });
}

async function prove(system, root, table) {
  const answer = await fetch(`${root}/$metadata`, { headers: { Authorization: `Bearer ${await token(new URL(root).origin)}` } });
  const text = await answer.text();
  await new Report("OASIS CSDL schema", system).operation("metadata", async () => {
    assert.deepEqual(await valid(text), []);
    // The schema does find faults.
    assert.notDeepEqual(await valid(text.replace("<EntityType Name=", "<EntityTyp Name=")), []);
  });
  await new Report("odata2ts", system).operation("metadata", () => generate(text, table));
}

await Promise.all([prove("dataverse", `${DATAVERSE}/api/data/v9.2`, "accounts"), prove("finops", `${FINOPS}/data`, "CustomersV3")]);
