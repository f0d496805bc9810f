// An OData v4 service that is not ours, with the names of F&O and Dataverse: what the connectors say is read by SAP CAP.

@path: '/data'
service Data {
  // The service decides how long its pages are: it does not know the preference.
  @cds.query.limit: { default: 2, max: 2 }
  entity CustomersV3 {
    // Keys compare without regard to letter case, as in F&O.
    key dataAreaId      : String(4) @sql.append: 'collate nocase';
    key CustomerAccount : String(20) @sql.append: 'collate nocase';
    OrganizationName    : String(100);
    CreditLimit         : Decimal(19, 4);
    Employees           : Integer;
    // F&O tells days as moments.
    CustomerSince       : DateTime;
    LastCall            : Timestamp;
    @odata.etag
    modifieddatetime    : Timestamp @cds.on.insert: $now @cds.on.update: $now;
  }
}

@path: '/api/data/v9.2'
service WebApi {
  @cds.query.limit: { default: 2, max: 2 }
  @assert.unique: { accountnumber: [accountnumber] }
  entity accounts {
    key accountid   : UUID;
    accountnumber   : String(20) @sql.append: 'collate nocase';
    name            : String(160);
    creditlimit     : Decimal(19, 4);
    numberofemployees : Integer;
    @odata.etag
    modifiedon      : Timestamp @cds.on.insert: $now @cds.on.update: $now;
  }

  function WhoAmI() returns {
    UserId         : UUID;
    BusinessUnitId : UUID;
    OrganizationId : UUID;
  };
}

@path: '/metadata'
service Metadata {
  entity DataEntities {
    key Name             : String(80);
    PublicEntityName     : String(80);
    PublicCollectionName : String(80);
    IsReadOnly           : Boolean;
  }

  entity PublicEntities {
    key Name      : String(80);
    EntitySetName : String(80);
    Properties    : array of {
      Name       : String(80);
      TypeName   : String(80);
      DataType   : String(80);
      IsKey      : Boolean;
      IsMandatory: Boolean;
    };
  }
}
