import { problems } from '#contracts/problems.ts';
import { Problem } from '#platform/http/problem.ts';

/** The same for what there is not and for what is another tenant's. */
export const notFound = () => new Problem(problems['not-found'], { detail: 'There is nothing of this name.' });
