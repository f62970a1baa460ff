// Builds the explorer into the Python package: one script, one style sheet, one page; no address outside of it.
import { build } from 'esbuild';
import { copyFile, mkdir } from 'node:fs/promises';

const outdir = '../kumoi/gateway/explorer/dist';
await mkdir(outdir, { recursive: true });
await build({
  entryPoints: { explorer: 'src/main.jsx' },
  outdir,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  define: { 'process.env.NODE_ENV': '"production"' },
  loader: { '.woff2': 'dataurl', '.woff': 'dataurl', '.ttf': 'dataurl', '.svg': 'dataurl' },
  legalComments: 'linked',
  logLevel: 'warning',
});
await copyFile('src/index.html', `${outdir}/index.html`);
