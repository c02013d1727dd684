import Sequencer from '@jest/test-sequencer';
import { relative } from 'node:path';

/** Suites of whole programs first, then those of services, so that at the end no long one runs alone. */
export default class extends Sequencer {
  sort(tests) {
    const part = ({ path, context }) => {
      const place = relative(context.config.rootDir, path);
      if (/^(apps|tools)\//.test(place)) return 0;
      return place.includes('/test/') ? 1 : 2;
    };
    return super.sort(tests).sort((a, b) => part(a) - part(b));
  }
}
