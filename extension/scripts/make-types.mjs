// Makes src/model/events.ts from events.schema.json; with --check, only says whether it is so.
// The schema itself comes from Python: `python -m analyst.record.schema > events.schema.json`.

import { readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';
import * as prettier from 'prettier';

const SCHEMA = new URL('../events.schema.json', import.meta.url);
const TYPES = new URL('../src/model/events.ts', import.meta.url);
const BANNER = `// The events of a run, as the server sends them.
// Made from events.schema.json by scripts/make-types.mjs (jlpm types): do not edit.
/* eslint-disable */`;

/** Prepare a schema node for types: fields are not named types, and the server sends all. */
function prepare(node, isField = false) {
  if (Array.isArray(node)) {
    return node.map(item => prepare(item, isField));
  }
  if (node === null || typeof node !== 'object') {
    return node;
  }
  const result = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'title' && isField) {
      continue;
    }
    if (key === 'properties') {
      result.properties = Object.fromEntries(
        Object.entries(value).map(([name, field]) => [
          name,
          prepare(field, true)
        ])
      );
    } else if (key === '$defs') {
      result.$defs = Object.fromEntries(
        Object.entries(value).map(([name, model]) => [
          name,
          { ...prepare(model), additionalProperties: false }
        ])
      );
    } else {
      result[key] = prepare(value, isField);
    }
  }
  if (result.properties && !isField) {
    result.required = Object.keys(result.properties);
  }
  return result;
}

const schema = prepare(JSON.parse(await readFile(SCHEMA, 'utf8')));
schema.title = 'AnyEvent';
const made = await compile(schema, 'AnyEvent', {
  bannerComment: BANNER,
  additionalProperties: false,
  format: false
});
const options = await prettier.resolveConfig(TYPES);
const text = await prettier.format(made, { ...options, parser: 'typescript' });

if (process.argv.includes('--check')) {
  const committed = await readFile(TYPES, 'utf8').catch(() => '');
  if (committed !== text) {
    console.error('src/model/events.ts is not up to date: run jlpm types');
    process.exit(1);
  }
} else {
  await writeFile(TYPES, text);
}
