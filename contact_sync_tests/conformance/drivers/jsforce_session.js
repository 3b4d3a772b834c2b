// What jsforce is asked to do; prints what it got as JSON. The path of its package and a step are its arguments.
const { Connection } = require(process.argv[2]);

const org = new Connection({ instanceUrl: process.env.SIMULATED_ORG_URL, accessToken: process.env.ACCESS_TOKEN, version: '62.0' });
const patience = { pollInterval: 20, pollTimeout: 20000 };
const bulkQuery = async (soql) => (await (await org.bulk2.query(soql, patience)).toArray()).length;

const steps = {
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
