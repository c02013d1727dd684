import { describe, expect, it } from '@jest/globals';
import type { TagEvent } from '@throughline/contracts';
import { Refusal, replay } from '@throughline/event-sourcing';
import { scenario } from '@throughline/event-sourcing/scenario';
import { mergeTags, tag } from './tag.ts';

const given = scenario(tag);
const created: TagEvent = { type: 'TagCreated', name: 'VIP' };
const renamed: TagEvent = { type: 'TagRenamed', from: 'VIP', to: '贵宾' };

describe('a tag', () => {
  it('keeps all the names that it had, and no other tag may have them', () => {
    given(created)
      .when({ type: 'ChangeTag', changes: { name: ' 贵宾 ' } })
      .then(renamed);
    given(created)
      .when({ type: 'ChangeTag', changes: { name: '贵宾' } })
      .thenClaims('tag-name:VIP', 'tag-name:贵宾');
    given(created, renamed)
      .when({ type: 'ChangeTag', changes: { name: 'VIP' } })
      .thenClaims('tag-name:VIP', 'tag-name:贵宾');
  });

  it('is called as customers hold its name', () => {
    given().when({ type: 'CreateTag', name: ' Ａ\u200bＢ  １ ' }).then({ type: 'TagCreated', name: 'AB 1' });
    given({ type: 'TagCreated', name: 'AB' })
      .when({ type: 'ChangeTag', changes: { name: 'ＡＢ' } })
      .thenNothing();
    for (const name of ['', '\n', '\u200b', '\u3000\r\n']) {
      given().when({ type: 'CreateTag', name }).thenRefused('invalid-tag');
      given(created).when({ type: 'ChangeTag', changes: { name } }).thenRefused('invalid-tag');
    }
  });

  it('that was recorded in another form is called by its clean name', () => {
    const wide: TagEvent = { type: 'TagCreated', name: 'ＡＢ' };
    expect(replay(tag, [wide])).toMatchObject({ name: 'AB', formerNames: ['ＡＢ'] });
    given(wide)
      .when({ type: 'ChangeTag', changes: { name: 'C' } })
      .then({ type: 'TagRenamed', from: 'AB', to: 'C' });
    // Somebody else may have made a tag of that name meanwhile.
    given(wide).when({ type: 'ArchiveTag' }).thenClaims('tag-name:ＡＢ');
  });

  it('says only what changed', () => {
    given(created)
      .when({ type: 'ChangeTag', changes: { colour: '#ff0000' } })
      .then({ type: 'TagDescribed', colour: '#ff0000' });
    given(created)
      .when({ type: 'ChangeTag', changes: { name: 'VIP', colour: null } })
      .thenNothing();
    given(created)
      .when({ type: 'ChangeTag', changes: { name: '  ' } })
      .thenRefused('invalid-tag');
  });

  it('means another one once it was merged, and is changed no more', () => {
    const states = [[created], [{ ...created, name: 'b' }]].map((events) => replay(tag, events));
    expect(mergeTags(['a', 'b'], states)).toEqual([
      [{ type: 'TagsMerged', absorbed: ['b'] }],
      [{ type: 'TagAbsorbed', into: 'a' }],
    ]);
    const absorbed: TagEvent = { type: 'TagAbsorbed', into: 'a' };
    given(created, absorbed).when({ type: 'ArchiveTag' }).thenRefused('tag-merged');
    expect(() => mergeTags(['a', 'b'], [states[0]!, replay(tag, [created, absorbed])])).toThrow(Refusal);
  });
});
