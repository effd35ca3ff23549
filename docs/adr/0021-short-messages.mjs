/**
 * What sentences and names weigh in a page: `connect` bundled from the sources, minified and compressed, as it is and
 * with less and less text in it. The last rows break the client; they are bounds.
 *
 *     node docs/adr/0021-short-messages.mjs
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, transform } from 'esbuild';
import { parseAst } from 'vite';

/** Where sentences flow to: arguments, by what is called or made, and results of functions. */
const mistakesAndBreaches = {
  arguments: {
    packet: { InvalidPacketError: [0], MalformedPacketError: [1], fail: [0, 1], malformed: [0] },
    engine: { Error: [0], RangeError: [0], ProtocolBreach: [1], inconsistent: [0] },
    core: { MqttUsageError: [0], expectation: [1] },
  },
  results: /^(\w+Problem|utf8Size)$/,
};
const everyError = {
  arguments: {
    ...mistakesAndBreaches.arguments,
    core: { MqttUsageError: [0], expectation: [1], MqttError: [1], MqttBreachError: [1] },
    'transport-websocket': { MqttUsageError: [0], MqttBreachError: [1], openError: [1] },
  },
  results: mistakesAndBreaches.results,
  variables: /^(message|text|what|why|told|how)$/,
};

/** The expressions of a module that are sentences by such a table. */
function sentencesOf(ast, table, packageName) {
  const wanted = new Map(Object.entries(table.arguments[packageName] ?? {}));
  const found = [];
  visit(ast, (node) => {
    if (node.type === 'CallExpression' || node.type === 'NewExpression') {
      const name = (node.callee.property ?? node.callee).name;
      for (const at of wanted.get(name) ?? [])
        if (node.arguments[at]) found.push(node.arguments[at]);
    } else if (node.type === 'FunctionDeclaration' && table.results.test(node.id.name)) {
      visit(node.body, (inner) => {
        if (inner.type === 'ReturnStatement' && inner.argument) found.push(inner.argument);
      });
    } else if (node.type === 'VariableDeclarator' && node.init) {
      if (table.variables?.test(node.id.name)) found.push(node.init);
    }
  });
  return found;
}

/** Leaves the values of a sentence, and the names in it that are written as programs write them. */
function cutToValues(expression, edits) {
  const names = (text) => (text.match(/\b(?:[a-z]+[A-Z]\w*|[a-z]\w*\.\w+)/g) ?? []).join(' ');
  if (expression.type === 'Literal' && typeof expression.value === 'string') {
    edits.push([expression, JSON.stringify(names(expression.value))]);
  } else if (expression.type === 'TemplateLiteral') {
    for (const piece of expression.quasis) edits.push([piece, ` ${names(piece.value.raw)} `]);
    for (const value of expression.expressions) cutToValues(value, edits);
  } else if (expression.type === 'ConditionalExpression') {
    cutToValues(expression.consequent, edits);
    cutToValues(expression.alternate, edits);
  } else if (/^(Binary|Logical)Expression$/.test(expression.type)) {
    cutToValues(expression.left, edits);
    cutToValues(expression.right, edits);
  }
}

const cut = (table) => (ast, packageName, edits) => {
  for (const sentence of sentencesOf(ast, table, packageName)) cutToValues(sentence, edits);
};

/** No hints, and none of the functions that make them. */
function withoutHints(ast, packageName, edits) {
  cut(everyError)(ast, packageName, edits);
  visit(ast, (node) => {
    if (node.type === 'VariableDeclarator' && node.id.name === 'hint' && node.init) {
      edits.push([node.init, 'undefined']);
    } else if (node.type === 'Property' && node.key.name === 'hint' && !node.shorthand) {
      if (node.value.type !== 'Identifier') edits.push([node.value, 'undefined']);
    }
  });
}

/** Every text with a space in it is empty, whatever it is for. */
function withoutProse(ast, _packageName, edits) {
  visit(ast, (node) => {
    const isLiteral = node.type === 'Literal' && typeof node.value === 'string';
    if (!isLiteral && node.type !== 'TemplateLiteral') return;
    const text = isLiteral ? node.value : node.quasis.map(({ value }) => value.raw).join('');
    if (/[a-z]/i.test(text) && /\s/.test(text.trim())) edits.push([node, "''"]);
  });
}

function visit(node, look) {
  look(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') visit(child, look);
    }
  }
}

/** The outermost edit wins. */
function applied(code, edits) {
  let result = '';
  let done = 0;
  for (const [{ start, end }, text] of edits.sort(
    ([a], [b]) => a.start - b.start || b.end - a.end,
  )) {
    if (start < done) continue;
    result += code.slice(done, start) + text;
    done = end;
  }
  return result + code.slice(done);
}

async function measure(what, change, options = {}) {
  const plugin = {
    name: 'change',
    setup({ onLoad }) {
      onLoad({ filter: /packages[/\\][^/\\]+[/\\]src[/\\].*\.ts$/ }, async ({ path }) => {
        const { code } = await transform(readFileSync(path, 'utf8'), { loader: 'ts' });
        const edits = [];
        change?.(parseAst(code), path.match(/packages[/\\]([^/\\]+)/)[1], edits);
        return { contents: applied(code, edits) };
      });
    },
  };
  const { outputFiles } = await build({
    stdin: {
      contents: "export { connect } from 'mqtt-kit';",
      resolveDir: fileURLToPath(new URL('../../test', import.meta.url)),
    },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['mqtt-kit-source', 'browser'],
    plugins: [plugin],
    logLevel: 'error',
    ...options,
  });
  const { contents } = outputFiles[0];
  const sizes = [contents.length, gzipSync(contents, { level: 9 }).length];
  console.log(...sizes.map((size) => String(size).padStart(7)), ` ${what}`);
}

console.log('minified   gzip');
await measure('as it is');
await measure('mistakes and breaches cut to values', cut(mistakesAndBreaches));
await measure('every error cut to values', cut(everyError));
await measure('every error cut to values, no hints', withoutHints);
await measure('no text with a space in it (broken)', withoutProse);
await measure('every property renamed, public or not (broken)', undefined, { mangleProps: /./ });
