package retention

import (
	"slices"

	"github.com/trothdev/troth"
)

var (
	fieldException = troth.Field{Name: "exception", Kind: troth.WordFact, Doc: "id of the exception"}
	exceptionWhy   = []troth.Field{
		{Name: "reason", Kind: troth.WordFact, Doc: "why, of a closed list"},
		{Name: "reference", Kind: troth.WordFact, Optional: true, Doc: "where it is written"},
		{Name: "class", Kind: troth.WordFact, Optional: true, Doc: "the class that it is limited to"},
		{Name: "until", Kind: troth.InstantFact, Doc: "when it ends by itself"},
	}
)

var (
	actProposeException = &troth.Act{
		Name: "retention.propose-exception", Version: 1,
		Doc:    "The data-protection officer or counsel proposed an exception to the policy.",
		Fields: slices.Concat([]troth.Field{fieldException}, exceptionWhy),
	}
	actGrantException = &troth.Act{
		Name: "retention.grant-exception", Version: 1,
		Doc: "The other of the two granted an exception: what it covers stays after the policy's own expiry, until its end.",
		Fields: slices.Concat([]troth.Field{fieldException}, exceptionWhy, []troth.Field{
			{Name: "granted", Kind: troth.CountFact, Doc: "how many the tenant was ever granted, with this one"},
			{Name: "standing", Kind: troth.CountFact, Doc: "how many of them are in force"},
		}),
	}
	actEndException = &troth.Act{
		Name: "retention.end-exception", Version: 1,
		Doc: "An exception ended. What it kept is looked at again at once.",
		Fields: slices.Concat([]troth.Field{fieldException}, exceptionWhy, []troth.Field{
			{Name: "by", Kind: troth.WordFact, Doc: "time, or person where somebody ended it before"},
			{Name: "records", Kind: troth.CountFact, Doc: "how many records that waited are looked at again"},
		}),
	}
)

var (
	actGrantErasure = &troth.Act{
		Name: "retention.grant-erasure", Version: 1,
		Doc: "A person was granted an erasure: what is in its scope is due at once.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.WordFact, Doc: "opaque id of the request"},
			{Name: "decided", Kind: troth.InstantFact, Doc: "when it was decided; what came to be later is not meant"},
			{Name: "by", Kind: troth.InstantFact, Optional: true, Doc: "when it must be done everywhere"},
			{Name: "classes", Kind: troth.WordsFact, Optional: true, Doc: "classes that it is limited to"},
			{Name: "types", Kind: troth.WordsFact, Optional: true, Doc: "record types that it is limited to"},
		},
	}
	actErased = &troth.Act{
		Name: "retention.erased", Version: 1,
		Doc: "Of the records that a granted erasure was about none is left.",
		Fields: []troth.Field{
			{Name: "request", Kind: troth.WordFact, Doc: "opaque id of the request"},
			{Name: "destroyed", Kind: troth.CountFact, Doc: "records destroyed under it"},
			{Name: "anonymised", Kind: troth.CountFact, Doc: "records made anonymous under it"},
		},
	}
)

var (
	actAccept = &troth.Act{
		Name: "retention.accept", Version: 1,
		Doc: "Counsel or the data-protection officer accepted holds, exceptions and policies as they are, after somebody changed them past the keeper.",
		Fields: []troth.Field{
			{Name: "half", Kind: troth.WordFact, Doc: "first, or second, with which they count"},
			{Name: "found", Kind: troth.CountFact, Doc: "how many disagreements were found"},
			{Name: "rows", Kind: troth.DigestFact, Doc: "hash of the list of rows that was accepted"},
		},
	}
	actPutBack = &troth.Act{
		Name: "retention.put-back", Version: 1,
		Doc: "After an older copy of the database was restored, what is kept outside of it was put back.",
		Fields: []troth.Field{
			{Name: "holds", Kind: troth.CountFact, Doc: "holds that were missing or older"},
			{Name: "exceptions", Kind: troth.CountFact, Doc: "exceptions that were missing or older"},
			{Name: "erasures", Kind: troth.CountFact, Doc: "granted erasures that were missing"},
			{Name: "policies", Kind: troth.CountFact, Doc: "versions of the policy that were missing"},
		},
	}
)

var (
	conflictFields = []troth.Field{
		{Name: "conflict", Kind: troth.IDFact, Doc: "id of the conflict"},
		fieldClass,
		{Name: "keeps", Kind: troth.WordFact, Doc: "kind of what keeps: hold, obligation or exception"},
		{Name: "rule", Kind: troth.WordFact, Doc: "id of what keeps"},
		{Name: "against", Kind: troth.WordFact, Doc: "kind of what it stands against: promise or erasure"},
		{Name: "promise", Kind: troth.WordFact, Doc: "id of that"},
	}
	actConflict = &troth.Act{
		Name: "retention.conflict", Version: 1,
		Doc:    "What must be kept stands against what was promised or granted: for the data-protection officer to decide.",
		Fields: conflictFields,
	}
	actDecide = &troth.Act{
		Name: "retention.decide", Version: 1,
		Doc: "The data-protection officer decided about a conflict.",
		Fields: slices.Concat(conflictFields, []troth.Field{
			{Name: "decision", Kind: troth.WordFact, Doc: "what is to be done, of a closed list"},
			{Name: "reference", Kind: troth.WordFact, Optional: true, Doc: "where it is written"},
		}),
	}
	actReviewDue = &troth.Act{
		Name: "retention.review-due", Version: 1,
		Doc: "The review of a hold has come.",
		Fields: []troth.Field{
			fieldHold, fieldMatter,
			{Name: "review", Kind: troth.InstantFact, Doc: "when it was due"},
		},
	}
	actReview = &troth.Act{
		Name: "retention.review", Version: 1,
		Doc: "Counsel looked at a hold, which stands.",
		Fields: []troth.Field{
			fieldHold, fieldMatter,
			{Name: "review", Kind: troth.InstantFact, Doc: "when people look at it again"},
		},
	}
)

var (
	passingFields = []troth.Field{
		{Name: "passing", Kind: troth.IDFact, Doc: "random id, the same at the beginning and at the end"},
		{Name: "class", Kind: troth.WordFact, Doc: "class of which nothing is kept"},
		fieldPolicy,
	}
	actPassing = &troth.Act{
		Name: "retention.passing", Version: 1,
		Doc:    "Content of which nothing is kept begins to be processed in memory.",
		Fields: passingFields,
	}
	actPassed = &troth.Act{
		Name: "retention.passed", Version: 1,
		Doc: "The processing of content of which nothing is kept has ended, and the content was overwritten.",
		Fields: slices.Concat(passingFields, []troth.Field{
			{Name: "how", Kind: troth.WordFact, Doc: "done or failed"},
		}),
	}
)

// controlActs are the acts about what people decided, beside holds.
func controlActs() []*troth.Act {
	return []*troth.Act{actProposeException, actGrantException, actEndException, actGrantErasure, actErased, actAccept, actPutBack, actConflict, actDecide, actReviewDue, actReview, actPassing, actPassed}
}
