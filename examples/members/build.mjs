// Bundles the page into dist/; with --serve, serves it at http://localhost:8000 and builds again after each change.
import { copyFile, mkdir } from 'node:fs/promises';
import esbuild from 'esbuild';

const serve = process.argv.includes('--serve');
await mkdir('dist', { recursive: true });
for (const name of ['index.html']) await copyFile(`src/${name}`, `dist/${name}`);
const context = await esbuild.context({
  entryPoints: ['src/main.js'],
  outdir: 'dist',
  bundle: true,
  minify: !serve,
  sourcemap: serve,
  format: 'esm',
  target: 'es2022',
  logLevel: 'info',
});
if (serve) {
  await context.watch();
  await context.serve({ servedir: 'dist', host: '127.0.0.1', port: 8000 });
} else {
  await context.rebuild();
  await context.dispose();
}
