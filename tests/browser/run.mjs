// The page in headless Chromium: node tests/browser/run.mjs [PART OF A TEST'S NAME]. See README.md.
import { run } from './harness.mjs';
import './page_tests.mjs';
import './host_tests.mjs';
import './draw_tests.mjs';
import './field_tests.mjs';
import './train_tests.mjs';
import './look_tests.mjs';
import './variants_tests.mjs';

const good = await run({ speed: process.env.NEURONA_TESTS || 'all', only: process.argv[2] });
process.exit(good ? 0 : 1);
