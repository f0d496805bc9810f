"""A client for any OData v4 service, python-odata, at work in both emulators: all it knows it reads from `$metadata`."""

import requests
from odata import ODataService
from odata.exceptions import ODataError
from odata.flags import ODataServerFlags

from report import DATAVERSE, FINOPS, Report, raises, same
from sign_in import credential


class Bearer(requests.auth.AuthBase):
    """Signs requests of the client's session."""

    def __init__(self, url):
        self.url = url
        self.credential = credential(url)

    def __call__(self, request):
        token = self.credential.get_token(f"{self.url}/.default").token
        request.headers["Authorization"] = f"Bearer {token}"
        return request


def service(url, path):
    session = requests.Session()
    session.auth = Bearer(url)
    flags = ODataServerFlags(skip_null_properties=True, provide_odata_type_annotation=False)
    return ODataService(f"{url}/{path}", session=session, reflect_entities=True, quiet_progress=True, server_flags=flags)


def dataverse():
    report = Report("python-odata", "dataverse")
    with report.operation("sign-in"):
        with raises(Exception):
            ODataService(f"{DATAVERSE}/api/data/v9.2/", reflect_entities=True, quiet_progress=True)
    with report.operation("metadata"):
        api = service(DATAVERSE, "api/data/v9.2/")
        Account, Contact = api.entities["accounts"], api.entities["contacts"]
        assert Account.creditlimit and Account.primarycontactid
    with report.operation("create"):
        contact = Contact()
        contact.lastname = "Byron"
        api.save(contact)
        for number in range(5):
            account = Account()
            account.name, account.numberofemployees = f"Any {number}", number
            api.save(account)
    with report.operation("lookups"):
        contact = api.query(Contact).filter(Contact.lastname == "Byron").first()
        account = Account()
        account.name, account.accountnumber = "Any bound", "ANY-1"
        account.primarycontactid = contact
        api.save(account)
        row = api.query(Account).filter(Account.accountnumber == "ANY-1").first()
        same(row._primarycontactid_value, contact.contactid)
    with report.operation("read"):
        key = api.query(Account).filter(Account.name == "Any 3").first().accountid
        same(api.query(Account).get(key).name, "Any 3")
    with report.operation("query"):
        query = api.query(Account).filter(Account.name.startswith("Any ")).filter(Account.numberofemployees >= 2)
        rows = query.order_by(Account.numberofemployees.desc()).limit(2).all()
        same([row.name for row in rows], ["Any 4", "Any 3"])
        rows = api.query(Account).select(Account.name).filter(Account.name == "Any 1").all()
        same([row["name"] for row in rows], ["Any 1"])
        same(api.query(Account).filter(Account.name.startswith("Any ")).count(), 6)
    with report.operation("expand"):
        rows = api.query(Account).filter(Account.accountnumber == "ANY-1").expand(Account.primarycontactid).all()
        same(rows[0].primarycontactid.lastname, "Byron")
    with report.operation("update"):
        row = api.query(Account).filter(Account.name == "Any 2").first()
        row.description = "told"
        api.save(row)
        same(api.query(Account).filter(Account.name == "Any 2").first().description, "told")
    with report.operation("delete"):
        row = api.query(Account).filter(Account.name == "Any 0").first()
        api.delete(row)
        assert api.query(Account).filter(Account.name == "Any 0").first() is None
    with report.operation("errors"):
        with raises(ODataError) as caught:
            api.query(Account).raw({"$filter": "nosuchcolumn eq 1"})
        assert "nosuchcolumn" in str(caught.error), caught.error
    with report.operation("paging"):
        paged = api.create_context(session=api.default_context.connection.session, extra_headers={"Prefer": "odata.maxpagesize=2"})
        same(len(paged.query(Account).filter(Account.name.startswith("Any ")).all()), 5)


def finops():
    report = Report("python-odata", "finops")
    with report.operation("sign-in"):
        with raises(Exception):
            ODataService(f"{FINOPS}/data/", reflect_entities=True, quiet_progress=True)
    with report.operation("metadata"):
        api = service(FINOPS, "data/")
        Group, Entity, Customer = (api.entities[name] for name in ("CustomerGroups", "LegalEntities", "CustomersV3"))
        assert {member.name for member in api.types["Microsoft.Dynamics.DataEntities.NoYes"]} == {"No", "Yes"}
    with report.operation("create"):
        company = Entity()
        company.LegalEntityId, company.Name = "any1", "Any"
        api.save(company)
        for number in range(5):
            group = Group()
            group.dataAreaId, group.CustomerGroupId = "any1", f"A{number}"
            group.Description, group.IsSalesTaxIncludedInPrice = f"Any {number}", api.types["Microsoft.Dynamics.DataEntities.NoYes"].Yes
            api.save(group)
        customer = Customer()
        customer.dataAreaId, customer.CustomerAccount, customer.CreditLimit = "any1", "C1", 10.25
        api.save(customer)
        same(customer.CreditLimit, 10.25)

    # Without the option `cross-company`, F&O's own, only the user's own company is seen: it is made the new one.
    session = api.default_context.connection.session
    session.post(f"{FINOPS}/emulator/company", json={"company": "any1", "client": "someone"}).raise_for_status()
    with report.operation("read"):
        row = api.query(Group).filter(Group.CustomerGroupId == "A2").first()
        same((row.Description, row.IsSalesTaxIncludedInPrice.name), ("Any 2", "Yes"))
    with report.operation("query"):
        rows = api.query(Group).filter(Group.CustomerGroupId > "A1").order_by(Group.CustomerGroupId.desc()).limit(2).all()
        same([row.CustomerGroupId for row in rows], ["A4", "A3"])
        same(api.query(Group).filter(Group.Description.startswith("Any")).count(), 5)
        across = {"$filter": "IsSalesTaxIncludedInPrice eq Microsoft.Dynamics.DataEntities.NoYes'Yes' and dataAreaId eq 'any1'",
            "cross-company": "true"}
        same(len(api.query(Group).raw(across)), 5)
    with report.operation("update"):
        row = api.query(Group).filter(Group.CustomerGroupId == "A2").first()
        row.Description = "told"
        api.save(row)
        same(api.query(Group).filter(Group.CustomerGroupId == "A2").first().Description, "told")
    with report.operation("delete"):
        api.delete(api.query(Group).filter(Group.CustomerGroupId == "A2").first())
        assert api.query(Group).filter(Group.CustomerGroupId == "A2").first() is None
    with report.operation("errors"):
        with raises(ODataError) as caught:
            api.query(Group).raw({"$filter": "NoSuchField eq 1"})
        assert "NoSuchField" in str(caught.error), caught.error
    with report.operation("paging"):
        paged = api.create_context(session=session, extra_headers={"Prefer": "odata.maxpagesize=3"})
        same(len(paged.query(Group).all()), 4)


# The client keeps the page size that it once asked for, in all its sessions: paging comes last.
finops()
dataverse()
