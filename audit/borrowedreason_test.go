package audit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// Whoever writes to the database may destroy what he likes and name a true entry
// as the reason, one that tells why something else is gone. It is none.
func TestVerify_AReasonIsGoodForNothingElse(t *testing.T) {
	redaction := func(w *world, id troth.EntryID) troth.EntryID {
		by, err := w.redact("acme", id)
		require.NoError(w, err)
		return by
	}
	for name, destroy := range map[string]func(w *world, ids []troth.EntryID){
		"an entry, by the redaction of another": func(w *world, ids []troth.EntryID) {
			_, err := w.store.Redact(w.Context(), audit.Redaction{Tenant: "acme", ID: ids[3], By: redaction(w, ids[1])})
			require.NoError(w, err)
		},
		"an entry, by one that redacts nothing": func(w *world, ids []troth.EntryID) {
			_, err := w.store.Redact(w.Context(), audit.Redaction{Tenant: "acme", ID: ids[3], By: ids[5]})
			require.NoError(w, err)
		},
		"an entry, by itself": func(w *world, ids []troth.EntryID) {
			_, err := w.store.Redact(w.Context(), audit.Redaction{Tenant: "acme", ID: ids[3], By: ids[3]})
			require.NoError(w, err)
		},
		"another tenant's, by the redaction of one": func(w *world, ids []troth.EntryID) {
			by := redaction(w, ids[1])
			for r, err := range w.trail.Entries(w.Context(), "bolt", audit.Query{}) {
				require.NoError(w, err)
				if r.Act != actTouch.Name {
					continue
				}
				_, err = w.store.Redact(w.Context(), audit.Redaction{Tenant: "bolt", ID: r.ID, By: by})
				require.NoError(w, err)
				return
			}
		},
		"the redaction, by itself": func(w *world, ids []troth.EntryID) {
			by := redaction(w, ids[1])
			w.grow(1)
			_, err := w.store.Redact(w.Context(), audit.Redaction{Tenant: "acme", ID: by, By: by})
			require.NoError(w, err)
		},
		"parts, by the dropping of another's": func(w *world, ids []troth.EntryID) {
			by := redaction(w, ids[0])
			w.dropped(ids[2], by)
		},
		"parts, by one that drops nothing": func(w *world, ids []troth.EntryID) {
			w.dropped(ids[2], ids[4])
		},
		"younger parts, by the dropping of old ones": func(w *world, ids []troth.EntryID) {
			_, err := w.trail.DropParts(w.as(kim), leave, audit.OldParts{Tenant: "acme", Before: w.the("acme", ids[1]).RecordedAt})
			require.NoError(w, err)
			by := w.parts("acme", ids[0])[0].By
			require.False(w, by.IsZero())
			w.dropped(ids[2], by)
		},
		"more of the beginning, by the pruning of some": func(w *world, _ []troth.EntryID) {
			w.grow(300)
			p, err := w.prune(audit.PruneTo{Log: 1, Before: 256, Limit: 1000})
			require.NoError(w, err)
			_, err = w.store.Prune(w.Context(), audit.Pruning{Log: 1, Before: 512, By: p.By}, 1000)
			require.NoError(w, err)
		},
		"parts, by a dropping that was refused": func(w *world, ids []troth.EntryID) {
			w.dropped(ids[2], w.refused("acme", "audit.parts-drop", troth.Facts{"before": troth.Instant(w.at.Add(time.Hour))}))
		},
		"the beginning, by a pruning that was refused": func(w *world, _ []troth.EntryID) {
			w.grow(200)
			_, err := w.trail.Checkpoint(w.Context())
			require.NoError(w, err)
			by := w.refused(troth.Platform, "audit.prune", troth.Facts{
				"log": troth.Count(1), "before": troth.Count(256),
				"size": troth.Count(w.head().Size), "root": troth.Digest(w.head().Root),
			})
			_, err = w.store.Prune(w.Context(), audit.Pruning{Log: 1, Before: 256, By: by}, 1000)
			require.NoError(w, err)
		},
		"the beginning, by no pruning": func(w *world, ids []troth.EntryID) {
			w.grow(200)
			_, err := w.store.Prune(w.Context(), audit.Pruning{Log: 1, Before: 256, By: ids[5]}, 1000)
			require.NoError(w, err)
		},
	} {
		for _, later := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newLog(t, audit.Unmanaged("test"))
				ids := w.grow(8)
				_, err := w.trail.Verify(t.Context(), audit.VerifyParams{})
				require.NoError(t, err)
				destroy(w, ids)
				if later { // what tells of it is in the log by then
					w.grow(1)
				}
				_, err = w.trail.Verify(t.Context(), audit.VerifyParams{})
				var damage *audit.DamageError
				require.ErrorAs(t, err, &damage)
			})
		}
	}
}

// refused records that an act of the trail's was refused.
func (w *world) refused(tenant troth.Tenant, name string, facts troth.Facts) troth.EntryID {
	w.Helper()
	act := &troth.Act{Name: name, Version: 1, Doc: "It was refused."}
	for fact, value := range facts {
		act.Fields = append(act.Fields, troth.Field{Name: fact, Kind: value.Kind(), Doc: "what it says"})
	}
	return w.record(w.as(kim), troth.Entry{Act: act, Tenant: tenant, Outcome: troth.Refused, Facts: facts})
}

// dropped destroys the parts of an entry behind the trail's back.
func (w *world) dropped(id, by troth.EntryID) {
	w.Helper()
	n, err := w.store.DropParts(w.Context(), audit.PartsDrop{Tenant: "acme", Entry: id, By: by, Limit: 1})
	require.NoError(w, err)
	require.Positive(w, n)
}

// Nor is what was refused a reason for who lists parts.
func TestParts_OfWhichADroppingThatWasRefusedTells(t *testing.T) {
	for name, facts := range map[string]func(w *world, id troth.EntryID) troth.Facts{
		"audit.parts-drop": func(w *world, _ troth.EntryID) troth.Facts {
			return troth.Facts{"before": troth.Instant(w.at.Add(time.Hour))}
		},
		"audit.redact": func(_ *world, id troth.EntryID) troth.Facts { return troth.Facts{"entry": troth.ID(id.String())} },
	} {
		w := newLog(t, audit.Unmanaged("test"))
		ids := w.grow(2)
		w.dropped(ids[0], w.refused("acme", name, facts(w, ids[0])))
		require.Equal(t, "damaged / damaged / damaged", w.states("acme", ids[0]), name)
	}
}
