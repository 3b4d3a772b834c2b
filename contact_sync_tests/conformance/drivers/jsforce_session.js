// What jsforce is asked to do; prints what it got as JSON. The path of its package and a step are its arguments.
const { Connection } = require(process.argv[2]);

const org = new Connection({ instanceUrl: process.env.SIMULATED_ORG_URL, accessToken: process.env.ACCESS_TOKEN, version: '62.0' });
const patience = { pollInterval: 20, pollTimeout: 20000 };
const bulkQuery = async (soql) => (await (await org.bulk2.query(soql, patience)).toArray()).length;

// Every way that jsforce has to write, over a few records; what each did, and what the records are in the end.
const bulkLoad = async (operation, input, options = {}) => {
  const done = await org.bulk2.loadAndWaitForResults({ object: 'Contact', operation, input, ...options, ...patience });
  return [done.successfulResults, done.failedResults, done.unprocessedRecords];
};
const counted = (results) => results.map((rows) => rows.length);
const outcomes = (results) => results.map((one) => (one.success ? 'ok' : one.errors[0].statusCode ?? one.errors[0].errorCode));
const written = (keys) => org.query(`SELECT Contact_Sync_Key__c, LastName, Title FROM Contact WHERE Contact_Sync_Key__c IN ('${keys.join("','")}') ORDER BY LastName`);

const steps = {
  async loading() {
    const contacts = org.sobject('Contact');
    const key = 'Contact_Sync_Key__c';
    const made = await contacts.create([{ LastName: 'A', [key]: 'a' }, { FirstName: 'Nameless' }, { LastName: 'B', [key]: 'b' }]);
    const strict = await contacts.create([{ LastName: 'Undone', [key]: 'c' }, { FirstName: 'Nameless' }], { allOrNone: true });
    const updated = await contacts.update([{ Id: made[0].id, Title: 'CEO' }, { Id: made[0].id, Title: 'CFO' }, { Id: made[2].id, Title: 'CTO' }]);
    const upserted = await contacts.upsert([{ [key]: 'b', LastName: 'Bee' }, { [key]: 'd', LastName: 'Dee' }], key);
    const destroyed = await contacts.destroy([made[0].id, made[0].id.slice(0, -4) + 'zzz' + 'AAA'.slice(0, 1)]);
    const inserted = await bulkLoad('insert', [{ [key]: 'e', LastName: 'Eve', Title: 'x' }, { [key]: 'f', LastName: null }]);
    const id = inserted[0][0].sf__Id;
    const cleared = await bulkLoad('update', [{ Id: id, Title: null }]);
    const keyed = await bulkLoad('upsert', [{ [key]: 'E', LastName: 'Eva' }, { [key]: 'g', LastName: 'Gus' }], { externalIdFieldName: key });
    const deleted = await bulkLoad('delete', [{ Id: upserted[1].id }, { Id: upserted[1].id.slice(0, -4) + 'zzzz' }]);
    return {
      collections: [made, strict, updated, upserted, destroyed].map(outcomes),
      bulk: [inserted, cleared, keyed, deleted].map(counted),
      refused: inserted[1][0].sf__Error,
      created: keyed[0].map((row) => [row.LastName, row.sf__Created]).sort(),
      records: (await written(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).records.map((one) => [one[key], one.LastName, one.Title]),
    };
  },
  async everything() {
    const first = await org.query('SELECT Id, LastName FROM Contact');
    const next = await org.queryMore(first.nextRecordsUrl);
    const described = await org.sobject('Contact').describe();
    const loaded = await org.bulk2.loadAndWaitForResults({
      object: 'Contact', operation: 'insert', input: [{ LastName: 'Two\nlines', FirstName: null }, { FirstName: 'Nameless' }], ...patience,
    });
    return {
      pages: [first.totalSize, first.records.length, next.records.length, next.done],
      fields: described.fields.map((field) => field.name),
      loaded: [loaded.successfulResults.length, loaded.failedResults.length, loaded.unprocessedRecords.length],
      onePage: await bulkQuery("SELECT Id FROM Contact WHERE LastName = 'Doe 1'"),
    };
  },
  async manyPages() {
    return bulkQuery('SELECT Id, Description FROM Contact');
  },
};

steps[process.argv[3]]().then((found) => console.log(JSON.stringify(found)));
