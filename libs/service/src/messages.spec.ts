import { describe, expect, it } from '@jest/globals';
import { languageOf, messageOf, missingMessages } from './messages.ts';

describe('the messages', () => {
  it('are there in every language', () => {
    expect(missingMessages()).toEqual([]);
  });
  it('come in the language that the caller likes best', () => {
    expect(languageOf('zh-CN,zh;q=0.9,en;q=0.8')).toBe('zh');
    expect(languageOf('fr, en;q=0.5, zh;q=0.7')).toBe('zh');
    expect(languageOf('zh;q=0, de')).toBe('en');
    expect(languageOf(undefined)).toBe('en');
  });
  it('are filled from what a refusal says', () => {
    expect(messageOf('en', 'event-too-large', { bytes: 300, limit: 256 })).toContain('300 bytes, at most 256');
    expect(messageOf('zh', 'nobody-knows')).toBe('nobody-knows');
  });
});
