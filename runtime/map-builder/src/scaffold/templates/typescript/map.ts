// The map {{name}}.

import { defineMap, reject, type NotWritten, type Value } from "../sdk/index.ts";

export const mapper = defineMap({
  name: "{{name}}",
  version: "0.1.0",
  about: "Customer groups.",
  finops: "CustomerGroups",
  dataverse: "msdyn_customergroups",
  key: [
    ["dataAreaId", "msdyn_company.cdm_companycode"],
    ["CustomerGroupId", "msdyn_groupid"],
  ],
  twoWay: [
    ["dataAreaId", "msdyn_company.cdm_companycode"],
    ["CustomerGroupId", "msdyn_groupid"],
    ["Description", "msdyn_description"],
    ["IsSalesTaxIncludedInPrice", "msdyn_issalestaxincludedinprice"],
  ],
  toDataverse: {
    reads: ["dataAreaId", "CustomerGroupId", "Description", "IsSalesTaxIncludedInPrice"],
    writes: ["msdyn_company.cdm_companycode", "msdyn_groupid", "msdyn_description", "msdyn_issalestaxincludedinprice"],
    transform(row) {
      const tax = yesOrNo(row.IsSalesTaxIncludedInPrice);
      if (typeof tax === "object" && tax !== null) return tax;
      return {
        "msdyn_company.cdm_companycode": row.dataAreaId,
        msdyn_groupid: row.CustomerGroupId,
        msdyn_description: row.Description,
        msdyn_issalestaxincludedinprice: tax,
      };
    },
  },
  toFinops: {
    reads: ["msdyn_company.cdm_companycode", "msdyn_groupid", "msdyn_description", "msdyn_issalestaxincludedinprice"],
    writes: ["dataAreaId", "CustomerGroupId", "Description", "IsSalesTaxIncludedInPrice"],
    transform(row) {
      const tax = row.msdyn_issalestaxincludedinprice;
      return {
        dataAreaId: row["msdyn_company.cdm_companycode"],
        CustomerGroupId: row.msdyn_groupid,
        Description: row.msdyn_description,
        IsSalesTaxIncludedInPrice: typeof tax === "boolean" ? (tax ? "Yes" : "No") : tax,
      };
    },
  },
});

/** The enum `NoYes` of F&O as the boolean of Dataverse. */
function yesOrNo(member: Value): boolean | null | undefined | NotWritten {
  if (member === null || member === undefined) return member;
  const word = typeof member === "string" ? member.toLowerCase() : "";
  if (word === "yes" || word === "no") return word === "yes";
  return reject("IsSalesTaxIncludedInPrice", "one-of", "it must be Yes or No");
}
