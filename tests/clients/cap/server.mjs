// Starts the services on a free port of this machine, says where, and ends with its standard input.
import { once } from "node:events";
import { createServer } from "node:http";
import cds from "@sap/cds";
import express from "express";

const attribute = (LogicalName, AttributeType) => ({ LogicalName, AttributeType, IsValidForCreate: true, IsValidForUpdate: true });
const ACCOUNT = {
  LogicalName: "account",
  EntitySetName: "accounts",
  PrimaryIdAttribute: "accountid",
  ChangeTrackingEnabled: true,
  Attributes: [
    attribute("accountid", "Uniqueidentifier"),
    attribute("accountnumber", "String"),
    attribute("name", "String"),
    attribute("creditlimit", "Decimal"),
    attribute("numberofemployees", "Integer"),
    attribute("modifiedon", "DateTime"),
  ],
  Keys: [{ LogicalName: "accountnumber", KeyAttributes: ["accountnumber"], EntityKeyIndexStatus: "Active" }],
  ManyToOneRelationships: [],
};
const property = (Name, TypeName, DataType, key = false) => ({ Name, TypeName, DataType, IsKey: key, IsMandatory: key });

cds.on("bootstrap", (app) => {
  // Addresses in a batch are read from the service's root by CAP; OData v4 allows those from the root of the host too.
  app.post(/\/\$batch$/, express.text({ type: "multipart/mixed", limit: "10mb" }), (request, _, next) => {
    const root = request.path.slice(0, -"$batch".length);
    request.body = request.body.replace(/^([A-Z]+) (\/\S*) HTTP\/1\.1\r$/gm, (line, method, address) =>
      address.startsWith(root) ? `${method} /${address.slice(root.length)} HTTP/1.1\r` : line);
    next();
  });
  // What Dataverse tells of its tables is Dataverse's own: rows are what is tried here.
  app.get("/api/data/v9.2/EntityDefinitions", ({ query }, answer) => {
    answer.json({ value: (query.$filter ?? "account").includes("account") ? [ACCOUNT] : [] });
  });
  // Sign-in is not what is tried here: any client gets a token.
  app.post("/:tenant/oauth2/v2.0/token", (_, answer) => {
    answer.json({ token_type: "Bearer", expires_in: 3599, access_token: "any" });
  });
});

cds.on("served", async () => {
  // The driver's own error is no answer to a client.
  const twice = (code) => (error) => {
    if (error.message.startsWith("UNIQUE constraint failed")) Object.assign(error, { code, status: 409, message: "The row is there." });
  };
  cds.services.Data.on("error", twice("409"));
  cds.services.WebApi.on("error", twice("0x80060892"));
  const [UserId, BusinessUnitId, OrganizationId] = [cds.utils.uuid(), cds.utils.uuid(), cds.utils.uuid()];
  cds.services.WebApi.on("WhoAmI", () => ({ UserId, BusinessUnitId, OrganizationId }));
  const { DataEntities, PublicEntities } = cds.entities("Metadata");
  await INSERT.into(DataEntities).entries({
    Name: "CustCustomerV3Entity", PublicEntityName: "CustomerV3", PublicCollectionName: "CustomersV3", IsReadOnly: false,
  });
  await INSERT.into(PublicEntities).entries({
    Name: "CustomerV3",
    EntitySetName: "CustomersV3",
    Properties: [
      property("dataAreaId", "Edm.String", "String", true),
      property("CustomerAccount", "Edm.String", "String", true),
      property("OrganizationName", "Edm.String", "String"),
      property("CreditLimit", "Edm.Decimal", "Real"),
      property("Employees", "Edm.Int32", "Int"),
      property("CustomerSince", "Edm.DateTimeOffset", "Date"),
      property("LastCall", "Edm.DateTimeOffset", "UtcDateTime"),
      property("modifieddatetime", "Edm.DateTimeOffset", "UtcDateTime"),
    ],
  });
});

process.stdin.resume().on("end", () => process.exit());
// CAP listens everywhere; this machine is enough.
const app = express();
app.listen = (port) => createServer(app).listen(port, "127.0.0.1");
const server = await cds.server({ app, in_memory: true, service: "all", from: ["services.cds"], port: 0 });
if (!server.listening) await once(server, "listening");
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
