import type { Bilingual, ContactChannel } from '@throughline/contracts';

type Language = keyof Bilingual;

const channels: Record<ContactChannel, Bilingual> = {
  email: { zh: '电子邮件', en: 'e-mail' },
  phone: { zh: '电话', en: 'telephone' },
  sms: { zh: '短信', en: 'text message' },
  messenger: { zh: '即时消息', en: 'messenger' },
  post: { zh: '邮寄', en: 'post' },
};
const texts = {
  zh: {
    language: 'zh-CN',
    title: '退订',
    ask: (what: string) => `您不想再收到“${what}”吗？`,
    button: '退订',
    done: (what: string) => `已为您退订“${what}”。`,
    unknown: '此链接无效。请检查链接是否完整。',
    by: (purpose: string, channel: string) => `${purpose}（${channel}）`,
  },
  en: {
    language: 'en',
    title: 'Unsubscribe',
    ask: (what: string) => `Do you no longer want “${what}”?`,
    button: 'Unsubscribe',
    done: (what: string) => `You are unsubscribed from “${what}”.`,
    unknown: 'This link does not work. Please check that it is complete.',
    by: (purpose: string, channel: string) => `${purpose} (by ${channel})`,
  },
};

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

const page = (language: Language, content: string): string => {
  const { language: tag, title } = texts[language];
  return `<!doctype html>
<html lang="${tag}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>${title}</title>
<style>body{font:1.1rem/1.6 system-ui,sans-serif;max-width:32rem;margin:15vh auto;padding:0 1rem}button{font:inherit;padding:.5rem 1.5rem}</style></head>
<body><h1>${title}</h1>${content}</body>
</html>`;
};

const named = (language: Language, purpose: Bilingual, channel: ContactChannel | undefined): string =>
  escaped(channel ? texts[language].by(purpose[language], channels[channel][language]) : purpose[language]);

/** Asks first: mail programs follow links by themselves. */
export const askingPage = (language: Language, purpose: Bilingual, channel?: ContactChannel): string =>
  page(
    language,
    `<p>${texts[language].ask(named(language, purpose, channel))}</p><form method="post"><button>${texts[language].button}</button></form>`,
  );
export const donePage = (language: Language, purpose: Bilingual, channel?: ContactChannel): string =>
  page(language, `<p>${texts[language].done(named(language, purpose, channel))}</p>`);
export const unknownPage = (language: Language): string => page(language, `<p>${texts[language].unknown}</p>`);
