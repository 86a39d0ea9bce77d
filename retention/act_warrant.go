package retention

import "github.com/trothdev/troth"

var (
	fieldWarrant = troth.Field{Name: "warrant", Kind: troth.IDFact, Doc: "random name of the warrant"}
	fieldSince   = troth.Field{Name: "since", Kind: troth.InstantFact, Doc: "when the warrant was committed: holds placed later cannot keep it"}
	fieldRule    = troth.Field{Name: "rule", Kind: troth.WordFact, Optional: true, Doc: "the promise"}
)

var (
	actWarrant = &troth.Act{
		Name: "retention.warrant", Version: 1,
		Doc: "What must be told to copies outside of the database, or to people, was committed: from now on no hold keeps them.",
		Fields: []troth.Field{
			fieldHandle, fieldWarrant, fieldType, fieldClass,
			{Name: "copies", Kind: troth.WordsFact, Doc: "the copies that wait to be told"},
			fieldSince, fieldPolicy,
		},
	}
	actCopy = &troth.Act{
		Name: "retention.copy", Version: 1,
		Doc: "A copy let go of a record, as it says or shows, or a person confirms.",
		Fields: []troth.Field{
			fieldHandle, fieldWarrant,
			{Name: "copy", Kind: troth.WordFact, Doc: "the copy"},
			{Name: "how", Kind: troth.WordFact, Doc: "connector or person"},
			{Name: "method", Kind: troth.WordFact, Doc: "deleted, shredded, pulped or burned"},
			{Name: "shown", Kind: troth.WordFact, Doc: "yes if the copy showed that it has it no more"},
			{Name: "evidence", Kind: troth.WordFact, Optional: true, Doc: "what the person shows, by the host's name for it"},
			{Name: "digest", Kind: troth.DigestFact, Optional: true, Doc: "hash of what the person shows"},
			fieldSince,
		},
	}
	actGone = &troth.Act{
		Name: "retention.gone", Version: 1,
		Doc: "The last copy of a record that had been destroyed was gone, or the last that a stage sheds. What is gone with its last copy in time and by itself has no such entry.",
		Fields: []troth.Field{
			fieldHandle, fieldWarrant, fieldType, fieldClass,
			{Name: "end", Kind: troth.WordFact, Doc: "destroy, anonymise, or stage"},
			fieldSince,
			{Name: "gone", Kind: troth.InstantFact, Doc: "when the last copy was gone"},
			fieldRule,
			{Name: "by", Kind: troth.InstantFact, Optional: true, Doc: "when it was promised to be gone"},
			{Name: "kept", Kind: troth.WordFact, Doc: "yes, deferred if a hold, a minimum or an exception kept it, or no"},
		},
	}
	actLate = &troth.Act{
		Name: "retention.late", Version: 1,
		Doc: "A promise came near to being broken, or was: half of the time is over that there was, 80 % of it, or all.",
		Fields: []troth.Field{
			{Name: "threshold", Kind: troth.WordFact, Doc: "half, most or broken"},
			{Name: "why", Kind: troth.WordFact, Doc: "due, failing, approval or copies: what is waited for"},
			fieldClass, fieldRule,
			{Name: "record", Kind: troth.IDFact, Doc: "random name of the record that waits longest"},
			{Name: "due", Kind: troth.InstantFact, Doc: "since when it was to be done"},
			{Name: "limit", Kind: troth.InstantFact, Doc: "the latest instant at which it can be done in time"},
			{Name: "by", Kind: troth.InstantFact, Optional: true, Doc: "when it was promised to be gone"},
		},
	}
	actCertificate = &troth.Act{
		Name: "retention.certificate", Version: 1,
		Doc: "A certificate of destruction was issued.",
		Fields: []troth.Field{
			{Name: "certificate", Kind: troth.DigestFact, Doc: "hash of the certificate"},
			{Name: "records", Kind: troth.CountFact, Doc: "how many records it is about"},
			{Name: "final", Kind: troth.WordFact, Doc: "yes if every copy of all of them is gone"},
		},
	}
	actTooLate = &troth.Act{
		Name: "retention.toolate", Version: 1,
		Doc: "Somebody was told what a legal hold came too late for.",
		Fields: []troth.Field{
			fieldHold, fieldMatter,
			{Name: "records", Kind: troth.CountFact, Doc: "how many records"},
			{Name: "since", Kind: troth.InstantFact, Optional: true, Doc: "when the first of their warrants was committed"},
		},
	}
)
