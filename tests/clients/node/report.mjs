// What a client could do with an emulator: one line of JSON for each operation.
import assert from "node:assert/strict";

export { assert };
export const DATAVERSE = process.env.DATAVERSE_URL;
export const FINOPS = process.env.FINOPS_URL;

export class Report {
  constructor(client, system) {
    this.client = client;
    this.system = system;
  }

  say(operation, outcome, detail = "") {
    const line = { client: this.client, system: this.system, operation, outcome, detail: detail.slice(0, 600) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  /** Runs the proof of one operation; when it fails the others are tried all the same. */
  async operation(name, proof) {
    try {
      await proof();
      this.say(name, "works");
    } catch (error) {
      console.error(name, error);
      this.say(name, "fails", `${error.name}: ${error.message}`);
    }
  }

  /** Notes that the emulator does not support an operation, and that its answer names what it does not support. */
  async refused(name, attempt, word) {
    try {
      await attempt();
    } catch (error) {
      if (error.status === 501 && error.message.includes(word)) {
        this.say(name, "refused", error.message);
      } else {
        console.error(name, error);
        this.say(name, "fails", `${error.name}: ${error.message}`);
      }
      return;
    }
    this.say(name, "fails", "it is no longer refused: prove that it works");
  }
}

/** A token, by the client credentials grant. */
export async function token(url, secret = "someone-secret") {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: "someone",
    client_secret: secret,
    scope: `${url}/.default`,
  });
  const answer = await fetch(`${url}/contoso/oauth2/v2.0/token`, { method: "POST", body });
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error_description);
  return document.access_token;
}
