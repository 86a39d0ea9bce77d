package unsubscribe

import (
	"context"
	"fmt"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/clearance"
)

var (
	actEvent = &troth.Act{
		Name: "unsubscribe.event", Version: 1,
		Doc: "Something was said or learnt about an address: an opt-out, an opt-in, a bounce, a complaint.",
		Fields: []troth.Field{
			{Name: "kind", Kind: troth.WordFact, Doc: "opt_out, opt_in, bounce or complaint"},
			{Name: "scope", Kind: troth.WordFact, Doc: "list, client or everything"},
			{Name: "list", Kind: troth.WordFact, Optional: true, Doc: "name of the list, where the scope is one"},
			{Name: "channel", Kind: troth.WordFact, Doc: "email, sms, push, messenger or post"},
			{Name: "method", Kind: troth.WordFact, Doc: "how it was said or learnt"},
			{Name: "said", Kind: troth.InstantFact, Doc: "when it was said"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actImport = &troth.Act{
		Name: "unsubscribe.import", Version: 1,
		Doc: "A part of an older tool's opt-outs was taken over.",
		Fields: []troth.Field{
			{Name: "source", Kind: troth.WordFact, Doc: "where they came from, in the host's words"},
			{Name: "scope", Kind: troth.WordFact, Doc: "list, client or everything"},
			{Name: "list", Kind: troth.WordFact, Optional: true, Doc: "name of the list, where the scope is one"},
			{Name: "channel", Kind: troth.WordFact, Doc: "email, sms, push, messenger or post"},
			{Name: "events", Kind: troth.CountFact, Doc: "how many events were new"},
			{Name: "batch", Kind: troth.DigestFact, Doc: "hash of the hashes of the stored events, in their order"},
		},
	}
	actErase = &troth.Act{
		Name: "unsubscribe.erase", Version: 1,
		Doc: "The person and the evidence were removed from events. What stays is the keyed entry: scope, reason, date.",
		Fields: []troth.Field{
			{Name: "events", Kind: troth.CountFact, Doc: "of how many events something was removed"},
			clearance.Ground, clearance.Permit, clearance.Policy,
		},
	}
	actRekey = &troth.Act{
		Name: "unsubscribe.rekey", Version: 1,
		Doc: "The keys that a registry's addresses stand under were changed.",
		Fields: []troth.Field{
			{Name: "epoch", Kind: troth.CountFact, Doc: "number of the keys in force from now on"},
			{Name: "entries", Kind: troth.CountFact, Doc: "how many entries were changed"},
		},
	}
	actTold = &troth.Act{
		Name: "unsubscribe.told", Version: 1,
		Doc: "A provider was told of an opt-out, and showed that it has it.",
		Fields: []troth.Field{
			{Name: "provider", Kind: troth.WordFact, Doc: "name of the provider"},
			{Name: "due", Kind: troth.InstantFact, Doc: "by when it had to be told"},
			{Name: "rule", Kind: troth.WordFact, Doc: "the rule that gave the deadline"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actLate = &troth.Act{
		Name: "unsubscribe.late", Version: 1,
		Doc: "The deadline passed before a provider was told of an opt-out.",
		Fields: []troth.Field{
			{Name: "provider", Kind: troth.WordFact, Doc: "name of the provider"},
			{Name: "due", Kind: troth.InstantFact, Doc: "by when it had to be told"},
			{Name: "rule", Kind: troth.WordFact, Doc: "the rule that gave the deadline"},
			{Name: "event", Kind: troth.DigestFact, Doc: "hash of the stored event"},
		},
	}
	actUnmanaged = clearance.Unmanaged("unsubscribe.unmanaged", "A registry was made that destroys without a retention keeper.")
)

// Acts are the acts whose evidence the registry records.
func Acts() []*troth.Act {
	return []*troth.Act{actEvent, actImport, actErase, actRekey, actTold, actLate, actUnmanaged}
}

// self acts when the registry does something that nobody asked for.
var self = troth.Actor{Kind: troth.Service, ID: "troth.unsubscribe"}

func (r *Registry) record(ctx context.Context, e troth.Entry) error {
	if _, err := r.rec.Record(ctx, e); err != nil {
		return fmt.Errorf("unsubscribe: record %s: %w", e.Act.Name, err)
	}
	return nil
}
