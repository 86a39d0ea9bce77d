package audit_test

import (
	"context"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// rewritten is a store in which somebody changed one entry, behind the tile
// that has its hash.
type rewritten struct {
	audit.Backend
	row *audit.LogRow // in place of the one of its index; nil while nobody did
}

func (s *rewritten) LogRange(ctx context.Context, log int, from uint64, limit int) ([]audit.LogRow, error) {
	rows, err := s.Backend.LogRange(ctx, log, from, limit)
	rows = slices.Clone(rows)
	for i := range rows {
		if s.row != nil && rows[i].Index == s.row.Index {
			rows[i] = *s.row
		}
	}
	return rows, err
}

const ghost troth.Tenant = "ghost"

// hidden returns a store in which the last entry of a tenant became the first of
// another, who had none, and the ends of both say so. It stands in a tile that
// is full, behind the newest checkpoint.
func hidden(s *site, store *rewritten, redacted bool) {
	s.Helper()
	ctx := s.Context()
	s.record(600)
	acme := s.acknowledged[len(s.acknowledged)-3:]
	last := acme[slices.IndexFunc(acme, func(e audit.TenantEntry) bool { return e.Tenant == "acme" })]
	act := troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "importer"})
	for range 300 {
		_, err := s.honest.Record(act, touch("globex", ""))
		require.NoError(s, err)
	}
	s.drain(s.honest)
	row, found, err := s.store.LogEntry(ctx, last.Tenant, last.ID)
	require.NoError(s, err)
	require.True(s, found)
	require.Less(s, row.Index|255, s.head().Size)
	before, err := s.store.LogEntries(ctx, audit.LogPage{Tenant: "acme", Log: 1, Number: row.Number - 2, Limit: 1})
	require.NoError(s, err)

	row.Tenant, row.Number = ghost, 1
	if redacted {
		row.Leaf, row.RedactedBy, row.RecordedAt, row.Act = nil, troth.NewEntryID(s.at), 0, ""
	} else {
		leaf, env, err := audit.ParseLeaf(row.Leaf)
		require.NoError(s, err)
		env.Tenant = ghost
		leaf.Number, leaf.Prev, leaf.Envelope = 1, [32]byte{}, env.Append(nil)
		row.Leaf = leaf.Append(nil)
		row.Hash = audit.HashLeaf(row.Leaf)
	}
	store.row = &row
	require.NoError(s, s.store.PutTenantHeads(ctx, 1, []audit.TenantHead{
		{Tenant: "acme", Number: before[0].Number, Index: before[0].Index, Hash: before[0].Hash},
		{Tenant: ghost, Number: 1, Index: row.Index, Hash: row.Hash},
	}))
}

// Whoever can only write to the database must not have anything signed that
// leaves out a tenant's entry.
func TestCheckpoint_SignsNoEndOfATenantThatSomebodyForged(t *testing.T) {
	for _, redacted := range []bool{false, true} {
		for _, fresh := range []bool{true, false} {
			s := newSite(t)
			s.record(12)
			store := &rewritten{Backend: s.store}
			trail := s.on(store, audit.WithSigner(s.signer))
			s.drain(trail)
			s.sign(trail)
			hidden(s, store, redacted)
			if fresh {
				trail = s.on(store, audit.WithSigner(s.signer))
			}
			_, err := trail.Checkpoint(t.Context())
			var damage *audit.DamageError
			assert.ErrorAs(t, err, &damage, "redacted %t, fresh %t", redacted, fresh)
		}
	}
}

// A true redaction is told by an entry, which may wait still, be taken just now,
// or be in the log.
func TestSequence_FollowsARedactionThatIsTold(t *testing.T) {
	s := newSite(t)
	s.record(12)
	late := []*audit.Trail{
		s.on(s.store, audit.WithSigner(s.signer)), s.on(s.store, audit.WithSigner(s.signer)),
		s.on(s.store, audit.WithSigner(s.signer)),
	}
	for _, trail := range late {
		s.drain(trail)
		s.sign(trail)
	}
	s.record(9)
	s.drain(s.honest)
	gone := s.acknowledged[len(s.acknowledged)-3]
	keeper := s.on(s.store, audit.Unmanaged("test"))
	_, err := keeper.Redact(troth.WithActor(t.Context(), kim), leave, gone.Tenant, gone.ID)
	require.NoError(t, err)

	s.sign(late[0])
	n, err := late[1].Sequence(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, n, "the reason, and that the keeper is on its own")
	s.sign(late[2])
	s.check(s.on(s.store, audit.WithSigner(s.signer)), s.sign(s.on(s.store, audit.WithSigner(s.signer))))
}

// endsForged is a store in which somebody changed where tenants end.
type endsForged struct {
	audit.Backend
	forge func(heads []audit.TenantHead) []audit.TenantHead
}

func (s *endsForged) TenantHeads(ctx context.Context, log int, after troth.Tenant, limit int) ([]audit.TenantHead, error) {
	heads, err := s.Backend.TenantHeads(ctx, log, after, limit)
	if after == "" {
		heads = s.forge(heads)
	}
	return heads, err
}

// What is sequenced next names the tenant's entry before, and what is signed next says
// where tenants end: a process that begins believes neither of the table of the ends.
func TestSequence_BelievesNoEndsOfTenantsThatSomebodyWrote(t *testing.T) {
	for name, forge := range map[string]func(heads []audit.TenantHead) []audit.TenantHead{
		"an earlier number": func(heads []audit.TenantHead) []audit.TenantHead { heads[0].Number--; return heads },
		"a later number":    func(heads []audit.TenantHead) []audit.TenantHead { heads[0].Number++; return heads },
		"another hash":      func(heads []audit.TenantHead) []audit.TenantHead { heads[0].Hash[0] ^= 1; return heads },
		"one that is gone":  func(heads []audit.TenantHead) []audit.TenantHead { return heads[1:] },
		"one that is none": func(heads []audit.TenantHead) []audit.TenantHead {
			return append(heads, audit.TenantHead{Tenant: ghost, Number: 1, Index: 3, Hash: heads[0].Hash})
		},
		"each other's": func(heads []audit.TenantHead) []audit.TenantHead {
			heads[0].Number, heads[1].Number = heads[1].Number, heads[0].Number
			heads[0].Hash, heads[1].Hash = heads[1].Hash, heads[0].Hash
			return heads
		},
	} {
		for _, behind := range []int{0, 5} {
			s := newSite(t)
			s.record(12)
			s.drain(s.honest)
			s.sign(s.honest)
			s.record(behind) // entries that nobody has signed for
			s.drain(s.honest)
			s.record(1)
			trail := s.on(&endsForged{s.store, func(heads []audit.TenantHead) []audit.TenantHead {
				require.Equal(t, troth.Tenant("acme"), heads[0].Tenant)
				return forge(slices.Clone(heads))
			}}, audit.WithSigner(s.signer))
			var damage *audit.DamageError
			_, err := trail.Sequence(t.Context())
			require.ErrorAs(t, err, &damage, "%s, %d behind", name, behind)
			_, err = trail.Checkpoint(t.Context())
			require.ErrorAs(t, err, &damage, "%s, %d behind", name, behind)
			_, err = trail.Verify(t.Context(), audit.VerifyParams{})
			require.ErrorAs(t, err, &damage, "%s, %d behind", name, behind)
		}
	}
}
