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
	fieldReport = troth.Field{Name: "report", Kind: troth.IDFact, Doc: "random name of the report"}
	fieldEvent  = troth.Field{Name: "event", Kind: troth.WordFact, Doc: "what happened"}
	fieldScope  = troth.Field{Name: "scope", Kind: troth.WordFact, Doc: "what it happened to: account, subject or purpose"}
)

var (
	actReport = &troth.Act{
		Name: "retention.report", Version: 1,
		Doc: "Something happened to all that belongs to an account, a subject or a purpose.",
		Fields: []troth.Field{
			fieldReport, fieldEvent, fieldScope,
			{Name: "at", Kind: troth.InstantFact, Doc: "when it happened"},
		},
	}
	actReach = &troth.Act{
		Name: "retention.reach", Version: 1,
		Doc: "What was reported of many records has come to all of them.",
		Fields: []troth.Field{
			fieldReport, fieldEvent, fieldScope,
			{Name: "records", Kind: troth.CountFact, Doc: "how many records there were"},
		},
	}
)

var actForget = &troth.Act{
	Name: "retention.forget", Version: 1,
	Doc: "What was reported of an account, a subject or a purpose was removed, since all of it is over.",
	Fields: []troth.Field{
		fieldScope,
		{Name: "events", Kind: troth.CountFact, Doc: "how many events there were"},
	},
}

var fieldPlan = troth.Field{Name: "plan", Kind: troth.DigestFact, Doc: "hash of the plan"}

func planAct(name, doc string) *troth.Act {
	return &troth.Act{Name: name, Version: 1, Doc: doc, Fields: []troth.Field{
		fieldPlan,
		{Name: "records", Kind: troth.CountFact, Doc: "how many records it lets go"},
		fieldPolicy,
	}}
}

var (
	actPlan    = planAct("retention.plan", "A plan was proposed: what sweeps may destroy.")
	actApprove = planAct("retention.approve", "A second person approved a plan.")
	actCarried = &troth.Act{
		Name: "retention.carried-out", Version: 1,
		Doc: "A plan ended: it was carried out, or is stale.",
		Fields: []troth.Field{
			fieldPlan,
			{Name: "records", Kind: troth.CountFact, Doc: "how many records went by it"},
			{Name: "why", Kind: troth.WordFact, Doc: "done, or age or policy where it is stale"},
		},
	}
	actAwait = &troth.Act{
		Name: "retention.await", Version: 1,
		Doc: "What is due waits from now on until a plan is approved.",
		Fields: []troth.Field{
			{Name: "class", Kind: troth.WordFact, Optional: true, Doc: "the class that waits; all of them where it is left out"},
			{Name: "why", Kind: troth.WordFact, Doc: "first, where nothing was ever approved, or ceiling"},
			{Name: "spent", Kind: troth.CountFact, Doc: "how many went without a plan since counting began"},
			{Name: "stored", Kind: troth.CountFact, Doc: "how many there were then, as far as was counted"},
		},
	}
	fieldStop = troth.Field{Name: "stop", Kind: troth.WordFact, Doc: "id of the stop"}
	actStop   = &troth.Act{
		Name: "retention.stop", Version: 1,
		Doc:    "A person stopped all destruction in the tenant; of the platform, everywhere.",
		Fields: []troth.Field{fieldStop},
	}
	actLift = &troth.Act{
		Name: "retention.lift", Version: 1,
		Doc:    "The data-protection officer lifted a stop.",
		Fields: []troth.Field{fieldStop},
	}
)

// Acts are the acts whose evidence the keeper records.
func Acts() []*troth.Act {
	return append([]*troth.Act{
		actActivate, actManage, actMove, actPurge, actHold, actPropose, actRelease,
		actPlan, actApprove, actCarried, actAwait, actStop, actLift,
		actWarrant, actCopy, actGone, actLate, actCertificate, actTooLate,
		actReport, actReach, actForget,
	}, controlActs()...)
}

// self acts when the keeper does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.retention"}

// actorOr is ctx with the keeper as its actor, where it has none.
func actorOr(ctx context.Context) context.Context {
	if _, err := troth.ActorFrom(ctx); err != nil {
		return troth.WithActor(ctx, self)
	}
	return ctx
}

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
