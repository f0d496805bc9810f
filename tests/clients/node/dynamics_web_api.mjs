// DynamicsWebApi at work in the Dataverse emulator.
import { DynamicsWebApi } from "dynamics-web-api";
import { assert, DATAVERSE, Report, token } from "./report.mjs";

const report = new Report("dynamics-web-api", "dataverse");
let tokens = 0;
const api = new DynamicsWebApi({
  serverUrl: DATAVERSE,
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => {
    tokens += 1;
    return token(DATAVERSE);
  },
});
const FORMATTED = "OData.Community.Display.V1.FormattedValue";
const MISSING = "00000000-0000-0000-0000-00000000dead";
const status = (wanted) => (error) => {
  assert.equal(error.status, wanted, `${error.status}: ${error.message}`);
  return true;
};

await report.operation("sign-in", async () => {
  await assert.rejects(token(DATAVERSE, "guess"), /AADSTS7000215/);
  const stranger = new DynamicsWebApi({ serverUrl: DATAVERSE, onTokenRefresh: async () => "nonsense" });
  await assert.rejects(stranger.callFunction("WhoAmI"), status(401));
  const who = await api.callFunction("WhoAmI");
  assert.match(who.UserId, /^[0-9a-f-]{36}$/);
  assert.ok(tokens > 0);
});

await report.operation("metadata", async () => {
  const table = await api.retrieveEntity({
    key: "LogicalName='account'",
    select: ["LogicalName", "EntitySetName"],
    expand: [{ property: "Attributes", select: ["LogicalName"] }, { property: "Keys" }],
  });
  assert.equal(table.EntitySetName, "accounts");
  assert.ok(table.Attributes.some((column) => column.LogicalName === "creditlimit"));
  assert.deepEqual(table.Keys[0].KeyAttributes, ["accountnumber", "msdyn_company"]);
  const tables = await api.retrieveEntities({ select: ["LogicalName"], filter: "LogicalName eq 'contact'" });
  assert.deepEqual(tables.value.map((one) => one.LogicalName), ["contact"]);
  const columns = await api.retrieveAttributes({
    entityKey: "LogicalName='account'",
    castType: "Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
    select: ["LogicalName"],
    expand: [{ property: "OptionSet", select: ["Options"] }],
  });
  const type = columns.value.find((column) => column.LogicalName === "customertypecode");
  assert.equal(type.OptionSet.Options.length, 12);
  assert.match(await api.retrieveCsdlMetadata(), /<EntityType Name="account"/);
});

let account;
await report.operation("create", async () => {
  account = await api.create({ collection: "accounts", data: { name: "Contoso", accountnumber: "JS-1", creditlimit: 12.5 } });
  assert.match(account, /^[0-9a-f-]{36}$/);
  const row = await api.create({ collection: "accounts", data: { name: "Shown" }, returnRepresentation: true, select: ["name"] });
  assert.equal(row.name, "Shown");
});

await report.operation("read", async () => {
  const row = await api.retrieve({ collection: "accounts", key: account, select: ["name", "creditlimit"] });
  assert.deepEqual([row.name, row.creditlimit], ["Contoso", 12.5]);
  await assert.rejects(api.retrieve({ collection: "accounts", key: MISSING }), status(404));
});

await report.operation("annotations", async () => {
  const row = await api.retrieve({ collection: "accounts", key: account, select: ["statecode"], includeAnnotations: "*" });
  assert.equal(row[`statecode@${FORMATTED}`], "Active");
  assert.equal(row.statecode_Formatted, "Active");
});

await report.operation("update", async () => {
  await api.update({ collection: "accounts", key: account, data: { name: "Contoso Ltd" } });
  await api.updateSingleProperty({ collection: "accounts", key: account, fieldValuePair: { description: "told" } });
  const row = await api.update({ collection: "accounts", key: account, data: { revenue: 1 }, returnRepresentation: true });
  assert.deepEqual([row.name, row.description], ["Contoso Ltd", "told"]);
  await assert.rejects(api.update({ collection: "accounts", key: MISSING, data: { name: "x" } }), status(404));
});

await report.operation("row versions", async () => {
  const row = await api.retrieve({ collection: "accounts", key: account, select: ["name"] });
  const etag = row["@odata.etag"];
  assert.ok(!(await api.retrieve({ collection: "accounts", key: account, select: ["name"], ifnonematch: etag })));
  await api.update({ collection: "accounts", key: account, data: { name: "Newer" }, ifmatch: etag });
  // This client tells the failed condition by `false`, not by an error.
  assert.equal(await api.update({ collection: "accounts", key: account, data: { name: "Older" }, ifmatch: etag }), false);
  assert.equal(await api.deleteRecord({ collection: "accounts", key: account, ifmatch: etag }), false);
});

await report.operation("upsert", async () => {
  const key = "cdm_companycode='js01'";
  await api.upsert({ collection: "cdm_companies", key, data: { cdm_name: "One" } });
  await api.upsert({ collection: "cdm_companies", key, data: { cdm_name: "First" } });
  assert.equal(await api.upsert({ collection: "cdm_companies", key, data: { cdm_name: "x" }, ifnonematch: "*" }), null);
  assert.equal(await api.upsert({ collection: "cdm_companies", key: MISSING, data: { cdm_name: "x" }, ifmatch: "*" }), null);
});

await report.operation("alternate keys", async () => {
  const row = await api.retrieve({ collection: "cdm_companies", key: "cdm_companycode='js01'", select: ["cdm_name"] });
  assert.equal(row.cdm_name, "First");
  await api.update({ collection: "accounts", key: account, data: { "msdyn_company@odata.bind": "/cdm_companies(cdm_companycode='js01')" } });
  const key = `accountnumber='JS-1',_msdyn_company_value=${row.cdm_companyid}`;
  assert.equal((await api.retrieve({ collection: "accounts", key, select: ["name"] })).accountid, account);
});

await report.operation("lookups", async () => {
  const contact = await api.create({ collection: "contacts", data: { firstname: "Ada", lastname: "Byron" } });
  await api.associateSingleValued({
    collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid", relatedCollection: "contacts", relatedKey: contact,
  });
  const read = () => api.retrieve({ collection: "accounts", key: account, select: ["_primarycontactid_value"], includeAnnotations: "*" });
  const row = await read();
  assert.equal(row._primarycontactid_value, contact);
  assert.equal(row["_primarycontactid_value@Microsoft.Dynamics.CRM.lookuplogicalname"], "contact");
  const related = await api.retrieve({ collection: "accounts", key: account, navigationProperty: "primarycontactid", select: ["lastname"] });
  assert.equal(related.lastname, "Byron");
  await api.disassociateSingleValued({ collection: "accounts", primaryKey: account, navigationProperty: "primarycontactid" });
  assert.equal((await read())._primarycontactid_value, null);
  await api.update({ collection: "accounts", key: account, data: { "primarycontactid@odata.bind": `contacts(${contact})` } });
});

await report.operation("query", async () => {
  for (let number = 0; number < 5; number += 1) {
    await api.create({ collection: "accounts", data: { name: `Ask ${number}`, numberofemployees: number } });
  }
  const found = await api.retrieveMultiple({
    collection: "accounts",
    select: ["name", "numberofemployees"],
    filter: "startswith(name,'Ask') and numberofemployees ge 1",
    orderBy: ["numberofemployees desc"],
    top: 3,
  });
  assert.deepEqual(found.value.map((row) => row.numberofemployees), [4, 3, 2]);
  const counted = await api.retrieveMultiple({ collection: "accounts", filter: "startswith(name,'Ask')", count: true, select: ["name"] });
  assert.equal(counted.oDataCount, 5);
  assert.equal(await api.count({ collection: "cdm_companies", filter: "cdm_companycode eq 'js01'" }), 1);
});

await report.operation("expand", async () => {
  const row = await api.retrieve({ collection: "accounts", key: account, select: ["name"], expand: [{ property: "primarycontactid", select: ["lastname"] }] });
  assert.equal(row.primarycontactid.lastname, "Byron");
});

await report.operation("paging", async () => {
  const filter = "startswith(name,'Ask')";
  const first = await api.retrieveMultiple({ collection: "accounts", select: ["name"], filter, maxPageSize: 2 });
  assert.equal(first.value.length, 2);
  const second = await api.retrieveMultiple({ collection: "accounts", select: ["name"], filter, maxPageSize: 2 }, first.oDataNextLink);
  assert.equal(second.value.length, 2);
  const all = await api.retrieveAll({ collection: "accounts", select: ["name"], filter });
  assert.equal(all.value.length, 5);
});

await report.operation("bulk operations", async () => {
  const target = (name) => ({ "@odata.type": "Microsoft.Dynamics.CRM.account", name });
  const made = await api.callAction({ collection: "accounts", actionName: "Microsoft.Dynamics.CRM.CreateMultiple", action: { Targets: [target("Bulk"), target("Bulk")] } });
  assert.equal(made.Ids.length, 2);
  const changed = made.Ids.map((accountid) => ({ ...target("Bulk changed"), accountid }));
  await api.callAction({ collection: "accounts", actionName: "Microsoft.Dynamics.CRM.UpdateMultiple", action: { Targets: changed } });
  assert.equal((await api.retrieve({ collection: "accounts", key: made.Ids[1], select: ["name"] })).name, "Bulk changed");
});

await report.operation("batch", async () => {
  api.startBatch();
  api.retrieve({ collection: "accounts", key: account, select: ["name"] });
  api.create({ collection: "accounts", data: { name: "Batch" }, inChangeSet: false });
  api.retrieveMultiple({ collection: "cdm_companies", select: ["cdm_name"], filter: "cdm_companycode eq 'js01'" });
  const [row, made, found] = await api.executeBatch();
  assert.equal(row.name, "Newer");
  assert.match(made, /^[0-9a-f-]{36}$/);
  assert.equal(found.value[0].cdm_name, "First");
});

await report.operation("changesets", async () => {
  api.startBatch();
  api.create({ collection: "contacts", data: { lastname: "Referred" }, contentId: "1" });
  api.create({ collection: "accounts", data: { name: "Refers", "primarycontactid@odata.bind": "$1" }, contentId: "2" });
  const [contact, refers] = await api.executeBatch();
  assert.equal((await api.retrieve({ collection: "accounts", key: refers }))._primarycontactid_value, contact);
  api.startBatch();
  api.create({ collection: "accounts", data: { name: "Half done" } });
  api.create({ collection: "accounts", data: { nosuchcolumn: 1 } });
  await assert.rejects(api.executeBatch());
  assert.equal(await api.count({ collection: "accounts", filter: "name eq 'Half done'" }), 0);
});

await report.operation("change tracking", async () => {
  const first = await api.retrieveMultiple({ collection: "contacts", select: ["lastname"], trackChanges: true });
  assert.ok(first.oDataDeltaLink, "no delta link");
  const contact = await api.create({ collection: "contacts", data: { lastname: "Changed" } });
  const gone = first.value[0].contactid;
  await api.deleteRecord({ collection: "contacts", key: gone });
  const next = await api.retrieveMultiple({ collection: "contacts", select: ["lastname"], trackChanges: true }, first.oDataDeltaLink);
  assert.ok(next.value.some((row) => row.contactid === contact && row.lastname === "Changed"));
  assert.ok(next.value.some((row) => row.id === gone && row.reason === "deleted"));
  assert.ok(next.oDataDeltaLink);
});

await report.operation("delete", async () => {
  await api.deleteRecord({ collection: "accounts", key: account, property: "description" });
  assert.equal((await api.retrieve({ collection: "accounts", key: account })).description, null);
  await api.deleteRecord({ collection: "accounts", key: account });
  await assert.rejects(api.deleteRecord({ collection: "accounts", key: account }), status(404));
});

await report.operation("errors", async () => {
  await assert.rejects(api.retrieveMultiple({ collection: "accounts", filter: "nosuchcolumn eq 1" }), (error) => {
    assert.equal(error.status, 400);
    assert.match(error.message, /nosuchcolumn/);
    assert.match(error.code, /^0x/);
    return true;
  });
  await assert.rejects(api.retrieveMultiple({ collection: "nosuchtables" }), status(404));
});

await report.refused("many-to-many", () => api.associate({
  collection: "accounts", primaryKey: MISSING, relationshipName: "contact_customer_accounts", relatedCollection: "contacts", relatedKey: MISSING,
}), "collection-valued");
await report.refused("search", () => api.search("Contoso"), "/api/search");
await report.refused("FetchXML", () => api.fetch({ collection: "accounts", fetchXml: "<fetch><entity name='account'/></fetch>" }), "fetchXml");
await report.refused("aggregation", () => api.retrieveMultiple({ collection: "accounts", apply: "groupby((statecode))" }), "$apply");
await report.refused("make tables", () => api.createEntity({ data: { SchemaName: "new_Thing" } }), "table definitions");
