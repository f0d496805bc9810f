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

const systems = [
  { name: "dataverse", root: `${DATAVERSE}/api/data/v9.2`, table: "accounts" },
  { name: "finops", root: `${FINOPS}/data`, table: "CustomersV3" },
];

const folder = await mkdtemp(join(process.cwd(), "odata2ts-"));
for (const system of systems) {
  const headers = { Authorization: `Bearer ${await token(new URL(system.root).origin)}` };
  system.metadata = await (await fetch(`${system.root}/$metadata`, { headers })).text();
  await writeFile(join(folder, `${system.name}.xml`), system.metadata);
  await new Report("OASIS CSDL schema", system.name).operation("metadata", async () => {
    assert.deepEqual(await valid(system.metadata), []);
    // The schema does find faults.
    assert.notDeepEqual(await valid(system.metadata.replace("<EntityType Name=", "<EntityTyp Name=")), []);
  });
}

await new Report("odata2ts", "both").operation("metadata", async () => {
  const service = ({ name }) => [name, { source: `${name}.xml`, output: name, serviceName: "Emulator" }];
  // Whole clients, as source: mode 2 is "service".
  const config = { mode: 2, emitMode: "ts", services: Object.fromEntries(systems.map(service)) };
  await writeFile(join(folder, "odata2ts.config.cjs"), `module.exports = ${JSON.stringify(config)};`);
  const options = { target: "ES2022", module: "ESNext", moduleResolution: "Bundler", strict: true, skipLibCheck: true };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
  await run(process.execPath, [join(packages("@odata2ts/odata2ts"), "lib", "run-cli.js")], { cwd: folder });
  for (const { name, table } of systems) {
    const source = await readFile(join(folder, name, "EmulatorService.ts"), "utf8");
    assert.ok(source.includes(`public ${table}(`), `no ${table} in the generated service`);
  }
  await run(process.execPath, [join(packages("typescript"), "bin", "tsc"), "--noEmit"], { cwd: folder }).catch((error) => {
    throw new Error(`the compiler refuses what was generated: ${error.stdout}`);
  });
});
