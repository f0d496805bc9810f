// Contact persons of F&O, who have one name, as contacts of Dataverse, who have two.

import { defineMap, reject, skip } from "../sdk/index.ts";
import { join, split } from "./names.ts";

export const mapper = defineMap({
  name: "contact-names",
  version: "1.0.0",
  about: "Contact persons with their names, split and joined.",
  finops: "ContactsV2",
  dataverse: "contacts",
  key: [
    ["dataAreaId", "msdyn_company.cdm_companycode"],
    ["ContactPersonId", "msdyn_contactpersonid"],
  ],
  // The name is not among them: what is split and joined need not come back letter by letter.
  twoWay: [
    ["dataAreaId", "msdyn_company.cdm_companycode"],
    ["ContactPersonId", "msdyn_contactpersonid"],
    ["Profession", "jobtitle"],
  ],
  toDataverse: {
    reads: ["dataAreaId", "ContactPersonId", "ContactPersonName", "Profession"],
    writes: ["msdyn_company.cdm_companycode", "msdyn_contactpersonid", "firstname", "lastname", "jobtitle"],
    transform(row) {
      const name = row.ContactPersonName;
      if (name === null || (typeof name === "string" && name.trim().replaceAll(",", "") === "")) {
        return reject("ContactPersonName", "required", "a contact needs a name");
      }
      const parts = typeof name === "string" ? split(name) : undefined;
      return {
        "msdyn_company.cdm_companycode": row.dataAreaId,
        msdyn_contactpersonid: row.ContactPersonId,
        firstname: parts?.first,
        lastname: parts?.last,
        jobtitle: row.Profession,
      };
    },
  },
  toFinops: {
    reads: ["msdyn_company.cdm_companycode", "msdyn_contactpersonid", "firstname", "lastname", "jobtitle"],
    writes: ["dataAreaId", "ContactPersonId", "ContactPersonName", "Profession"],
    transform(row) {
      if (row.msdyn_contactpersonid === null) return skip("a contact without a number is no contact person of F&O");
      const { firstname: first, lastname: last } = row;
      const known = typeof last === "string" && (typeof first === "string" || first === null);
      return {
        dataAreaId: row["msdyn_company.cdm_companycode"],
        ContactPersonId: row.msdyn_contactpersonid,
        ContactPersonName: known ? join(first, last) : undefined,
        Profession: row.jobtitle,
      };
    },
  },
});
