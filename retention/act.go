package retention

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
)

var (
	fieldHandle = troth.Field{Name: "record", Kind: troth.IDFact, Doc: "random name of the record"}
	fieldType   = troth.Field{Name: "type", Kind: troth.WordFact, Doc: "record type"}
	fieldClass  = troth.Field{Name: "class", Kind: troth.WordFact, Doc: "class of the record"}
	fieldStage  = troth.Field{Name: "stage", Kind: troth.WordFact, Doc: "stage that it stood in"}
	fieldPolicy = troth.Field{Name: "policy", Kind: troth.DigestFact, Doc: "hash of the policy that decided"}
	fieldHold   = troth.Field{Name: "hold", Kind: troth.WordFact, Doc: "id of the hold"}
	fieldMatter = troth.Field{Name: "matter", Kind: troth.WordFact, Doc: "matter that the hold is for"}
)

var (
	actActivate = &troth.Act{
		Name: "retention.activate", Version: 1,
		Doc: "A version of the policy was activated.",
		Fields: []troth.Field{
			{Name: "name", Kind: troth.WordFact, Doc: "name of the policy"},
			{Name: "version", Kind: troth.CountFact, Doc: "number of the version"},
			{Name: "effective", Kind: troth.InstantFact, Doc: "from when it is in force"},
			fieldPolicy,
		},
	}
	actManage = &troth.Act{
		Name: "retention.manage", Version: 1,
		Doc:    "A keeper took stores over: nothing in them is destroyed without a permit of its own from now on.",
		Fields: []troth.Field{{Name: "stores", Kind: troth.CountFact, Doc: "how many were taken over"}},
	}
	actMove = &troth.Act{
		Name: "retention.move", Version: 1,
		Doc: "A record entered another stage, by time or by an event.",
		Fields: []troth.Field{
			fieldHandle, fieldType, fieldClass, fieldStage,
			{Name: "next", Kind: troth.WordFact, Doc: "stage that began"},
			{Name: "since", Kind: troth.InstantFact, Doc: "when it began"},
			{Name: "visible", Kind: troth.WordFact, Doc: "who can see the record: all, owner, staff or none"},
		},
	}
	actPurge = &troth.Act{
		Name: "retention.purge", Version: 1,
		Doc: "A record was destroyed, or made anonymous, in every copy that can be told to.",
		Fields: []troth.Field{
			fieldHandle, fieldType, fieldClass, fieldStage,
			{Name: "end", Kind: troth.WordFact, Doc: "destroy or anonymise"},
			{Name: "found", Kind: troth.WordFact, Doc: "yes, or no where the host had it no longer"},
			{Name: "due", Kind: troth.InstantFact, Doc: "when it was due"},
			{Name: "ground", Kind: troth.WordFact, Doc: "kind of rule that decided"},
			{Name: "rule", Kind: troth.WordFact, Doc: "the rule that decided"},
			{Name: "gone", Kind: troth.InstantFact, Doc: "by when the last copy is gone"},
			fieldPolicy,
		},
	}
	actHold = &troth.Act{
		Name: "retention.hold", Version: 1,
		Doc: "Counsel placed a legal hold.",
		Fields: []troth.Field{
			fieldHold, fieldMatter,
			{Name: "class", Kind: troth.WordFact, Optional: true, Doc: "the class that it is limited to"},
			{Name: "from", Kind: troth.InstantFact, Optional: true, Doc: "records created before are free"},
			{Name: "to", Kind: troth.InstantFact, Optional: true, Doc: "records created after are free"},
			{Name: "review", Kind: troth.InstantFact, Doc: "when people look at it again"},
		},
	}
	actPropose = &troth.Act{
		Name: "retention.propose", Version: 1,
		Doc:    "Counsel proposed to release a legal hold.",
		Fields: []troth.Field{fieldHold, fieldMatter},
	}
	actRelease = &troth.Act{
		Name: "retention.release", Version: 1,
		Doc: "A second person released a legal hold. What it kept is looked at again at once.",
		Fields: []troth.Field{
			fieldHold, fieldMatter,
			{Name: "records", Kind: troth.CountFact, Doc: "how many records that waited are looked at again"},
		},
	}
)

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
			{Name: "why", Kind: troth.WordFact, Doc: "due, failing or copies: what is waited for"},
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

// Acts are the acts whose evidence the keeper records.
func Acts() []*troth.Act {
	return []*troth.Act{
		actActivate, actManage, actMove, actPurge, actHold, actPropose, actRelease,
		actWarrant, actCopy, actGone, actLate, actCertificate, actTooLate,
	}
}

// self acts when the keeper does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.retention"}

func (k *Keeper) record(ctx context.Context, e troth.Entry) error {
	_, err := k.recorded(ctx, e)
	return err
}

// recorded is record, and returns the id of the entry.
func (k *Keeper) recorded(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	id, err := k.rec.Record(ctx, e)
	if err != nil {
		return id, fmt.Errorf("retention: record %s: %w", e.Act.Name, err)
	}
	return id, nil
}
