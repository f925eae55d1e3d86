import { expect } from 'chai';
import { LANGUAGES } from '#contracts/people.ts';
import { emailChanged } from '../../workers/mail/templates/email-changed.ts';
import { emailConfirmation } from '../../workers/mail/templates/email-confirmation.ts';
import { invitation } from '../../workers/mail/templates/invitation.ts';
import {
  asName,
  greetingIn,
  type Language,
  languageOf,
  type MailWords,
  momentIn,
  renderMail,
} from '../../workers/mail/templates/mail-text.ts';
import { passwordChanged } from '../../workers/mail/templates/password-changed.ts';
import { passwordReset } from '../../workers/mail/templates/password-reset.ts';

const PUBLIC_URL = 'https://defter.example';
const url = `${PUBLIC_URL}/reset#dG9rZW4.c2VjcmV0`;
const at = Date.UTC(2026, 10, 28, 14, 5);

/** Every mail, by its name: with one name that somebody gave. */
const mails: Readonly<Record<string, Readonly<Record<Language, (name: string) => MailWords>>>> = {
  invitation: both(invitation, (name) => ({ tenantName: name, name, role: 'member', url, expiresAt: at })),
  'password reset': both(passwordReset, (name) => ({ name, url, expiresAt: at })),
  'confirmation of an address': both(emailConfirmation, (name) => ({ name, url, expiresAt: at })),
  'notice of another address': both(emailChanged, (name) => ({ name, changedAt: at })),
  'notice of a new password': both(passwordChanged, (name) => ({ name, changedAt: at, url })),
};

function both<Facts>(
  template: Readonly<Record<Language, (facts: Facts) => MailWords>>,
  facts: (name: string) => Facts,
) {
  return {
    en: (name: string) => template.en(facts(name)),
    tr: (name: string) => template.tr(facts(name)),
  };
}

for (const [title, template] of Object.entries(mails)) {
  describe(`the mail: ${title}`, () => {
    it('is there in every language that a person may have, and in each its own words', () => {
      expect(Object.keys(template).sort()).to.deep.equal([...LANGUAGES].sort());
      const [en, tr] = [template.en('Ada'), template.tr('Ada')];
      expect(en.subject).not.to.equal(tr.subject);
      expect(en.before).not.to.deep.equal(tr.before);
      expect(tr.before.join(' ') + tr.after.join(' ')).to.match(/[ığüşöçİ]/);
    });

    for (const language of LANGUAGES) {
      it(`says the same as text and as a page, with its link in both, and fetches nothing (${language})`, () => {
        const words = template[language]('Ada Lovelace');
        const { subject, text, html } = renderMail(language, PUBLIC_URL, words);
        expect(subject).to.equal(words.subject);
        for (const paragraph of [words.greeting, ...words.before, ...words.after]) {
          expect(text).to.include(paragraph);
          expect(html).to.include(paragraph.replaceAll("'", '&#39;'));
        }
        const links = words.action === undefined ? [] : [url];
        expect(text.split('\n').filter((line) => line.startsWith('https://'))).to.deep.equal(links);
        expect(html.match(/href="([^"]*)"/g) ?? []).to.deep.equal(
          links.flatMap((link) => Array(2).fill(`href="${link}"`)),
        );
        expect(html)
          .to.include(`<html lang="${language}">`)
          .and.not.match(/<(?:img|script|link|style|iframe)|url\(|src=/);
        expect(text + html).to.include('defter.example');
      });

      for (const name of ['<script>alert(1)</script>', '"><img src=x onerror=y>', "O'Brien & <b>sons</b>"])
        it(`makes no HTML of a name: ${name} (${language})`, () => {
          const { html, subject } = renderMail(language, PUBLIC_URL, template[language](name));
          expect(html).not.to.match(/<(?:script|img|b)\b/);
          expect(html).to.match(/&lt;|&quot;|&#39;/);
          expect(subject).not.to.match(/&lt;|&#39;/);
        });

      it(`lets no name add a line, nor a link, nor turn the writing round (${language})`, () => {
        const name = 'Ada\r\n\r\nPay at https://evil.example/now or a@evil.example\u2028\u202eadA\u200b';
        const { subject, text, html } = renderMail(language, PUBLIC_URL, template[language](name));
        for (const said of [subject, text, html]) {
          expect(said).not.to.match(/evil\.example|https:\/\/evil|a@evil/);
          expect(said).not.to.match(/[\u202e\u200b\u2028\r]/);
        }
        expect(subject).not.to.include('\n');
        expect(text.split('\n\n')).to.have.length(
          renderMail(language, PUBLIC_URL, template[language]('x')).text.split('\n\n').length,
        );
      });
    }
  });
}

describe('what mails are made of', () => {
  it('bounds a name, by characters as people see them', () => {
    expect(Array.from(asName('🙂'.repeat(500)))).to.have.length(80);
    expect(asName('  Ada  \t Lovelace ')).to.equal('Ada Lovelace');
    expect(asName('J.R. Smith, Inc.')).to.equal('J. R. Smith, Inc.');
  });

  it('greets one whose name is not known too', () => {
    expect([greetingIn('en', null), greetingIn('tr', null)]).to.deep.equal(['Hello,', 'Merhaba,']);
    expect(greetingIn('tr', 'İbrahim')).to.equal('Merhaba İbrahim,');
  });

  it('tells a moment in words, by a clock that all share', () => {
    expect(momentIn('en', at)).to.match(/^28 November 2026.* 14:05 UTC$/);
    expect(momentIn('tr', at)).to.match(/^28 Kasım 2026.* 14:05 UTC$/);
  });

  it('is English for a language that it does not know', () => {
    expect(['en', 'tr', 'de', ''].map(languageOf)).to.deep.equal(['en', 'tr', 'en', 'en']);
  });
});
