// Azurite loads Application Insights before it reads --disableTelemetry, which takes longer than all the rest of its start.
const unused = require.resolve("applicationinsights", { paths: [process.argv[1]] });
require.cache[unused] = { id: unused, filename: unused, loaded: true, children: [], paths: [], exports: {} };
