"""d365fo-client at work in the F&O emulator."""

import asyncio
import os
import tempfile

# Before it is imported: it keeps files in the home folder.
HOME = tempfile.TemporaryDirectory()
os.environ["HOME"] = HOME.name

from d365fo_client import FOClient, FOClientConfig, QueryOptions

from report import FINOPS, Report, raises, same
from sign_in import credential

report = Report("d365fo-client", "finops")
COMPANY = "fo01"
ROOT = {"dataAreaId": COMPANY}


async def refuse(operation):
    """The error of an operation that must fail, as text."""
    with raises(Exception) as caught:
        await operation
    return str(caught.error)


async def work(folder):
    client = FOClient(FOClientConfig(base_url=FINOPS, verify_ssl=True, metadata_cache_dir=folder, trace_client_id="0"))

    with report.operation("sign-in"):
        client.auth_manager.credential = credential(FINOPS, "guess")
        assert "authentication token" in await refuse(client.get_entities("LegalEntities", skip_validation=True))
        client.auth_manager.credential = credential(FINOPS)
        assert await client.test_connection()
        assert await client.test_metadata_connection()

    with report.operation("metadata"):
        entities = await client.get_data_entities_list()
        assert any(entity.public_collection_name == "CustomersV3" for entity in entities), entities
        schema = await client.get_public_entity_info("CustomerV3", resolve_labels=False)
        keys = {one.name for one in schema.properties if one.is_key}
        same(keys, {"dataAreaId", "CustomerAccount"})
        group = next(one for one in schema.properties if one.name == "OnHoldStatus")
        assert group.type_name.endswith("CustVendorBlocked"), group
        enumeration = await client.get_public_enumeration_info("NoYes", resolve_labels=False)
        same([member.name for member in enumeration.members], ["No", "Yes"])
        found = await client.metadata_api_ops.search_public_entities("Customer")
        assert any(entity.entity_set_name == "CustomersV3" for entity in found), found

    with report.operation("create"):
        await client.create_entity("LegalEntities", {"LegalEntityId": COMPANY, "Name": "Clients"})
        row = await client.create_entity("CustomerGroups", {**ROOT, "CustomerGroupId": "10", "Description": "Wholesale"})
        same((row["CustomerGroupId"], row["dataAreaId"]), ("10", COMPANY))
        same(row["IsSalesTaxIncludedInPrice"], "No")

    with report.operation("read"):
        row = await client.get_entity("CustomerGroups", {**ROOT, "CustomerGroupId": "10"})
        same(row["Description"], "Wholesale")
        assert row["@odata.etag"].startswith('W/"')
        assert "404" in await refuse(client.get_entity("CustomerGroups", {**ROOT, "CustomerGroupId": "11"}))

    with report.operation("update"):
        key = {"CustomerGroupId": "10", **ROOT}
        await client.update_entity("CustomerGroups", key, {"Description": "Retail", "IsSalesTaxIncludedInPrice": "Yes"})
        row = await client.get_entity("CustomerGroups", key)
        same((row["Description"], row["IsSalesTaxIncludedInPrice"]), ("Retail", "Yes"))
        missing = {**ROOT, "CustomerGroupId": "11"}
        assert "404" in await refuse(client.update_entity("CustomerGroups", missing, {"Description": "x"}))

    with report.operation("query"):
        for number in range(20, 25):
            await client.create_entity("CustomerGroups", {**ROOT, "CustomerGroupId": str(number), "Description": f"Ask {number}"})
        options = QueryOptions(
            select=["CustomerGroupId", "Description"],
            filter=f"dataAreaId eq '{COMPANY}' and CustomerGroupId gt '20'",
            orderby=["CustomerGroupId desc"],
            top=2,
            skip=1,
            count=True,
        )
        page = await client.get_entities("CustomerGroups", options)
        same([row["CustomerGroupId"] for row in page["value"]], ["23", "22"])
        same(page["@odata.count"], 4)
        options = QueryOptions(filter=f"IsSalesTaxIncludedInPrice eq Microsoft.Dynamics.DataEntities.NoYes'Yes' and dataAreaId eq '{COMPANY}'")
        page = await client.get_entities("CustomerGroups", options)
        same([row["CustomerGroupId"] for row in page["value"] ], ["10"])

    with report.operation("delete"):
        key = {**ROOT, "CustomerGroupId": "24"}
        assert await client.delete_entity("CustomerGroups", key)
        assert "404" in await refuse(client.delete_entity("CustomerGroups", key))

    with report.operation("errors"):
        told = await refuse(client.create_entity("CustomerGroups", {**ROOT, "CustomerGroupId": "10"}))
        assert "already exists" in told and "CustCustomerGroupEntity" in told, told
        told = await refuse(client.get_entities("NoSuchThings", skip_validation=True))
        assert "404" in told, told

    told = await refuse(client.get_application_version())
    report.refused("actions", lambda: throw(told), "GetApplicationVersion")
    answer = await client.post_json_service("UserSessionService", "AifUserSessionService", "GetUserSessionInfo")
    report.refused("services", lambda: throw(f" {answer.status_code} {answer.error_message}"), "/api/services")
    await client.close()


def throw(text):
    raise RuntimeError(text)


with HOME:
    asyncio.run(work(HOME.name))
