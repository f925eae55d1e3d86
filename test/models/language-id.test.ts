import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { expect } from 'chai';
import fc from 'fast-check';
import { createClassifier, type Classifier, type LanguageGuess } from '../../models/language-id/handler.ts';
import { createNgramEncoder } from '../../models/language-id/ngram-encoder.ts';
import { readArtifacts, readManifest } from './load-weights.ts';

const sentences: readonly (readonly [label: string, text: string])[] = [
  ['tr', 'Merhaba, bugün hava çok güzel.'],
  ['tr', 'Yarın sabah erkenden yola çıkıp akşama kadar köye varacağız.'],
  ['en', 'The quick brown fox jumps over the lazy dog.'],
  ['en', 'My neighbour has promised to look after the plants while we are away.'],
  ['fr', 'Bonjour tout le monde'],
  ['fr', 'Les voisins ont promis de garder le chat pendant les vacances.'],
  ['de', 'Die Nachbarn passen auf die Katze auf, während wir verreist sind.'],
  ['es', 'Los vecinos cuidan del gato mientras estamos de vacaciones.'],
  ['it', 'I vicini si prendono cura del gatto mentre siamo in vacanza.'],
  ['pt', 'Os vizinhos tomam conta do gato enquanto estamos de férias.'],
  ['nl', 'De buren passen op de kat terwijl wij op vakantie zijn.'],
  ['pl', 'Sąsiedzi opiekują się kotem, kiedy jesteśmy na wakacjach.'],
  ['ro', 'Vecinii au grijă de pisică atunci când suntem în vacanță.'],
  ['hu', 'A szomszédok vigyáznak a macskára, amíg nyaralunk.'],
  ['cs', 'Sousedé se starají o kočku, když jsme na dovolené.'],
  ['sv', 'Grannarna tar hand om katten medan vi är på semester.'],
  ['da', 'Naboerne passer katten, mens vi er på ferie.'],
  ['fi', 'Naapurit hoitavat kissaa, kun olemme lomalla.'],
  ['id', 'Tetangga menjaga kucing itu selama kami berlibur.'],
  ['az', 'Biz məzuniyyətdə olanda qonşular pişiyə baxırlar.'],
  ['ru', 'Соседи присматривают за кошкой, пока мы в отпуске.'],
  ['uk', 'Сусіди доглядають за кішкою, поки ми у відпустці.'],
  ['el', 'Οι γείτονες προσέχουν τη γάτα όσο λείπουμε.'],
  ['ar', 'يعتني الجيران بالقطة عندما نكون في إجازة.'],
  ['fa', 'همسایه‌ها وقتی ما در سفر هستیم از گربه مراقبت می‌کنند.'],
  ['he', 'השכנים שומרים על החתול כשאנחנו בחופשה.'],
  ['hi', 'जब हम छुट्टी पर होते हैं तो पड़ोसी बिल्ली की देखभाल करते हैं।'],
  ['ja', '休暇の間、近所の人が猫の世話をしてくれます。'],
  ['zh', '我们度假的时候，邻居帮忙照顾猫。'],
  ['ko', '우리가 휴가를 가 있는 동안 이웃이 고양이를 돌봐 줍니다.'],
  ['vi', 'Hàng xóm trông mèo giúp khi chúng tôi đi nghỉ.'],
];

describe('models/language-id', () => {
  let classifier: Classifier;
  let model: LayersModel;

  before(async () => {
    const require = createRequire(import.meta.url);
    setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
    await tf.setBackend('wasm');
    const artifacts = await readArtifacts('language-id');
    classifier = createClassifier(await readManifest('language-id'));
    model = await loadLayersModel({ load: () => Promise.resolve(artifacts) });
  });

  function guess(texts: readonly string[], parameters?: Record<string, unknown>): LanguageGuess[] {
    const length = classifier.inputLength;
    const rows = new Float32Array(texts.length * length);
    texts.forEach((text, at) => classifier.encode(text, rows.subarray(at * length, (at + 1) * length)));
    const input = tf.tensor2d(rows, [texts.length, length]);
    const output = model.predictOnBatch(input) as tf.Tensor;
    const data = output.dataSync<'float32'>();
    tf.dispose([input, output]);
    const width = data.length / texts.length;
    return texts.map((_, at) => classifier.decode(data.subarray(at * width, (at + 1) * width), parameters));
  }

  for (const [label, text] of sentences) {
    it(`hears ${label} in "${text}"`, () => {
      expect(guess([text])[0]?.label).to.equal(label);
    });
  }

  it('gives every label a probability, the highest first, that sum to about one', () => {
    const [answer] = guess(['Merhaba dünya']);
    const scores = Object.values(answer?.scores ?? {});
    expect(scores).to.have.length(28);
    expect(scores).to.deep.equal([...scores].sort((a, b) => b - a));
    expect(scores.reduce((sum, score) => sum + score, 0)).to.be.closeTo(1, 0.005);
    expect(Object.keys(answer?.scores ?? {})[0]).to.equal(answer?.label);
  });

  it('returns only the best scores when asked', () => {
    const [answer] = guess(['Guten Tag, wie geht es Ihnen?'], { top: 3 });
    expect(Object.keys(answer?.scores ?? {})).to.have.length(3);
    expect(answer?.label).to.equal('de');
  });

  it('does not depend on case, digits, punctuation, spacing or composition', () => {
    const plain = new Float32Array(classifier.inputLength);
    const other = new Float32Array(classifier.inputLength);
    classifier.encode('çok güzel bir gün', plain);
    classifier.encode('  ÇOK,\tGÜZEL   12 bir gün!! '.normalize('NFD'), other);
    expect(other).to.deep.equal(plain);
  });

  it('encodes any text into a unit vector, or zeros where there is no letter', () => {
    const encoder = createNgramEncoder(2048, 1000);
    const row = new Float32Array(2048);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1100 }), (text) => {
        row.fill(Number.NaN);
        const read = encoder.encode(text, row);
        expect(read).to.be.within(0, 1000);
        const norm = row.reduce((sum, value) => sum + value * value, 0);
        expect(norm === 0 || Math.abs(norm - 1) < 1e-4, `norm ${norm}`).to.equal(true);
      }),
      { numRuns: 40 },
    );
  });

  it('reads a bounded prefix of a long text', () => {
    const row = new Float32Array(classifier.inputLength);
    expect(classifier.encode('word '.repeat(4000), row)).to.equal(1000);
    expect(classifier.encode('', row)).to.equal(0);
    expect(row.every((value) => value === 0)).to.equal(true);
  });

  it('answers a batch as it answers each text alone', () => {
    const texts = sentences.map(([, text]) => text);
    const together = guess(texts).map(({ label }) => label);
    expect(together).to.deep.equal(texts.map((text) => guess([text])[0]?.label));
  });

  it('refuses a manifest without labels', () => {
    expect(() => createClassifier({ features: { buckets: 2048, readChars: 1000 } })).to.throw('labels');
    expect(() => createClassifier({ labels: ['tr'], features: { buckets: 1000, readChars: 1000 } })).to.throw(
      'buckets',
    );
  });
});
