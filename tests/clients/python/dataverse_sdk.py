"""Microsoft's SDK for Dataverse at work in the Dataverse emulator."""

from azure.core.exceptions import ClientAuthenticationError
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models import ExpandOption, UpsertItem, col

from report import DATAVERSE, Report, raises, same
from sign_in import credential

report = Report("PowerPlatform-Dataverse-Client", "dataverse")
client = DataverseClient(DATAVERSE, credential(DATAVERSE))

with report.operation("sign-in"):
    with raises(ClientAuthenticationError) as caught:
        DataverseClient(DATAVERSE, credential(DATAVERSE, "guess")).tables.get("account")
    assert "AADSTS7000215" in str(caught.error), caught.error
    assert client.tables.get("account")

with report.operation("metadata"):
    table = client.tables.get("account")
    same(table["entity_set_name"], "accounts")
    assert any(row["LogicalName"] == "contact" for row in client.tables.list())
    columns = client.tables.list_columns("account", select=["LogicalName", "AttributeType"])
    kinds = {column["LogicalName"]: column["AttributeType"] for column in columns}
    same((kinds["name"], kinds["primarycontactid"], kinds["accountid"]), ("String", "Lookup", "Uniqueidentifier"))
    column = client.tables.get_column("account", "name")
    same(column["MaxLength"], 160)
    with raises(MetadataError):
        client.records.create("nosuchtable", {"name": "x"})
    relationships = client.tables.list_table_relationships("account")
    assert any(one.get("ReferencingAttribute") == "primarycontactid" for one in relationships), relationships

with report.operation("create"):
    account = client.records.create("account", {"name": "Contoso", "accountnumber": "SDK-1", "creditlimit": 12.5})

with report.operation("read"):
    row = client.records.retrieve("account", account, select=["name", "creditlimit"])
    same((row["name"], row["creditlimit"]), ("Contoso", 12.5))
    assert client.records.retrieve("account", "00000000-0000-0000-0000-00000000dead") is None

with report.operation("annotations"):
    row = client.records.retrieve("account", account, select=["statecode"], include_annotations="*")
    same(row["statecode@OData.Community.Display.V1.FormattedValue"], "Active")

with report.operation("update"):
    client.records.update("account", account, {"name": "Contoso Ltd"})
    same(client.records.retrieve("account", account)["name"], "Contoso Ltd")

with report.operation("upsert"):
    item = UpsertItem(alternate_key={"cdm_companycode": "sdk1"}, record={"cdm_name": "One"})
    client.records.upsert("cdm_company", [item])
    client.records.upsert("cdm_company", [UpsertItem({"cdm_companycode": "sdk1"}, {"cdm_name": "First"})])
    rows = client.records.list("cdm_company", filter=col("cdm_companycode") == "sdk1", select=["cdm_name"])
    same([row["cdm_name"] for row in rows], ["First"])

with report.operation("alternate keys"):
    keys = client.tables.get_alternate_keys("account")
    assert any(set(key.key_attributes) == {"accountnumber", "msdyn_company"} for key in keys), keys

with report.operation("lookups"):
    contact = client.records.create("contact", {"firstname": "Ada", "lastname": "Byron"})
    client.records.update("account", account, {"primarycontactid@odata.bind": f"/contacts({contact})"})
    same(client.records.retrieve("account", account)["_primarycontactid_value"], contact)

with report.operation("query"):
    client.records.create("account", [{"name": f"Query {number}", "numberofemployees": number} for number in range(7)])
    rows = (
        client.query.builder("account")
        .select("name", "numberofemployees")
        .where((col("numberofemployees") >= 2) & col("name").startswith("Query"))
        .order_by("numberofemployees", descending=True)
        .top(3)
        .execute()
    )
    same([row["numberofemployees"] for row in rows], [6, 5, 4])

with report.operation("expand"):
    expand = ExpandOption("primarycontactid").select("lastname")
    rows = client.query.builder("account").select("name").where(col("accountnumber") == "SDK-1").expand(expand).execute()
    same([row["primarycontactid"]["lastname"] for row in rows], ["Byron"])

with report.operation("paging"):
    pages = list(client.records.list_pages("account", filter=col("name").startswith("Query"), page_size=3))
    same([len(list(page)) for page in pages], [3, 3, 1])

with report.operation("bulk operations"):
    ids = client.records.create("account", [{"name": "Bulk"}, {"name": "Bulk"}])
    client.records.update("account", ids, {"description": "all"})
    client.records.update("account", ids, [{"description": "first"}, {"description": "second"}])
    same(client.records.retrieve("account", ids[1])["description"], "second")
    company = client.records.create("cdm_company", {"cdm_companycode": "sdk2", "cdm_name": "Two"})
    items = [UpsertItem({"cdm_companycode": code}, {"cdm_name": "Many"}) for code in ("sdk2", "sdk3")]
    client.records.upsert("cdm_company", items)
    same(client.records.retrieve("cdm_company", company)["cdm_name"], "Many")
    client.records.delete("account", ids, use_bulk_delete=False)
    same(len(list(client.records.list("account", filter=col("name") == "Bulk"))), 0)

with report.operation("batch"):
    batch = client.batch.new()
    batch.records.create("account", {"name": "Batch"})
    batch.records.retrieve("account", account, select=["name"])
    batch.records.retrieve("account", "00000000-0000-0000-0000-00000000dead")
    batch.records.list("account", filter="name eq 'Contoso Ltd'", select=["name"])
    result = batch.execute(continue_on_error=True)
    same([answer.status_code for answer in result.responses], [204, 200, 404, 200])
    same(len(result.entity_ids), 1)

with report.operation("changesets"):
    batch = client.batch.new()
    with batch.changeset() as changes:
        reference = changes.records.create("contact", {"lastname": "Referred"})
        changes.records.update("account", account, {"primarycontactid@odata.bind": reference})
    same(batch.execute().has_errors, False)
    bound = client.records.retrieve("account", account, expand=["primarycontactid"])
    same(bound["primarycontactid"]["lastname"], "Referred")
    batch = client.batch.new()
    with batch.changeset() as changes:
        changes.records.create("account", {"name": "Half done"})
        changes.records.update("account", "not-a-guid", {"name": "x"})
    assert batch.execute().has_errors
    same(len(list(client.records.list("account", filter="name eq 'Half done'"))), 0)

with report.operation("delete"):
    client.records.delete("account", account)
    assert client.records.retrieve("account", account) is None

with report.operation("errors"):
    with raises(HttpError) as caught:
        client.records.list("account", filter="nosuchcolumn eq 1")
    same((caught.error.status_code, "nosuchcolumn" in str(caught.error)), (400, True))
    with raises(HttpError) as caught:
        client.records.delete("account", account)
    same((caught.error.status_code, caught.error.details["service_error_code"]), (404, "0x80040217"))

report.refused("typed columns", lambda: client.tables.list_columns("account", typed=True), "RetrieveMetadataChanges")
report.refused("SQL", lambda: client.query.sql("SELECT TOP 1 name FROM account"), "sql")
report.refused("delete in bulk", lambda: client.records.delete("account", [account, account]), "BulkDelete")
report.refused("FetchXML", lambda: list(client.query.fetchxml(
    "<fetch><entity name='account'><attribute name='name'/></entity></fetch>").execute()), "fetchXml")
report.refused("make tables", lambda: client.tables.create("new_Thing", {"new_Name": "string"}), "CreateEntities")
