package audit

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
	"github.com/trothdev/troth/storage/sqlstore/vaultsql"
	"github.com/trothdev/troth/vault"
	"github.com/trothdev/troth/vault/vaulttest"
)

// letter may carry a payload.
var letter = &troth.Act{
	Name: "shop.letter", Version: 1, Doc: "A letter was sent.",
	Parts: []troth.PartSpec{{Name: "text", Doc: "what it said"}, {Name: "address", Doc: "where it went"}},
}

// shop is a trail that seals in a vault which records on the trail.
type shop struct {
	trail *audit.Trail
	vault *vault.Vault
}

func openShop(t *testing.T, b backend) *shop {
	t.Helper()
	h, err := sqlstore.Open(t.Context(), b.open(t), b.dialect)
	require.NoError(t, err)
	t.Cleanup(func() { _ = h.Close() })
	entries, err := auditsql.New(t.Context(), h)
	require.NoError(t, err)
	rows, err := vaultsql.New(t.Context(), h)
	require.NoError(t, err)
	s := &shop{}
	s.trail, err = audit.New(t.Context(), entries, audittest.NewKeys(), s)
	require.NoError(t, err)
	s.vault, err = vault.Open(t.Context(), vault.Config{Store: rows, KEK: vaulttest.InsecureKEK(), Recorder: s.trail},
		vault.Unmanaged("test"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.vault.Close(context.WithoutCancel(t.Context())) })
	return s
}

func (s *shop) Seal(ctx context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	return s.vault.Seal(ctx, dst, at, plaintext)
}

func (s *shop) Open(ctx context.Context, dst []byte, at troth.Context, p troth.Purpose, sealed []byte) ([]byte, error) {
	return s.vault.Open(ctx, dst, at, p, sealed)
}

// TestShredAct_IsTheVaults: the trail knows the vault's shreddings by the name
// and the facts of their act, and cannot import it.
func TestShredAct_IsTheVaults(t *testing.T) {
	at := slices.IndexFunc(vault.Acts(), func(a *troth.Act) bool { return a.Name == troth.ShredAct })
	require.GreaterOrEqual(t, at, 0)
	fields := map[string]troth.FactKind{}
	for _, f := range vault.Acts()[at].Fields {
		fields[f.Name] = f.Kind
	}
	require.Equal(t, troth.WordFact, fields["scope"])
	require.Equal(t, troth.WordsFact, fields["compartments"])
	require.Equal(t, troth.WordsFact, fields["spared"])
}

// TestParts_ErasedByTheVault shreds in each way that the vault has.
func TestParts_ErasedByTheVault(t *testing.T) {
	targets := map[string]struct {
		target vault.Target
		states []audit.PartState
	}{
		"compartment": {
			vault.Target{Tenant: "acme", SubjectID: "17", Compartments: []troth.Compartment{"letters"}},
			[]audit.PartState{audit.PartErased, audit.PartPresent, audit.PartPresent},
		},
		"person": {
			vault.Target{Tenant: "acme", SubjectID: "17"},
			[]audit.PartState{audit.PartErased, audit.PartErased, audit.PartPresent},
		},
		"person but for a hold": {
			vault.Target{Tenant: "acme", SubjectID: "17", Except: []troth.Compartment{"letters"}},
			[]audit.PartState{audit.PartPresent, audit.PartErased, audit.PartPresent},
		},
		"tenant": {
			vault.Target{Tenant: "acme", WholeTenant: true},
			[]audit.PartState{audit.PartErased, audit.PartErased, audit.PartErased},
		},
	}
	each(t, func(t *testing.T, b backend) {
		for name, c := range targets {
			t.Run(name, func(t *testing.T) { erase(t, openShop(t, b), c.target, c.states) })
		}
	})
}

func erase(t *testing.T, s *shop, target vault.Target, states []audit.PartState) {
	t.Helper()
	ctx := troth.WithActor(t.Context(), troth.Actor{Kind: troth.Person, ID: "kim"})
	id, err := s.trail.Record(ctx, troth.Entry{
		Act: letter, Tenant: "acme", SubjectID: "17",
		Parts: []troth.Part{
			{Name: "text", Compartment: "letters", Content: troth.Protect([]byte("dear customer"))},
			{Name: "address", Content: troth.Protect([]byte("somewhere"))},
			{Name: "address", SubjectID: "18", Content: troth.Protect([]byte("elsewhere"))},
		},
	})
	require.NoError(t, err)
	ref := audit.PartRef{Tenant: "acme", Entry: id, SubjectID: "17"}
	content, err := s.trail.OpenPart(ctx, ref, "access-request")
	require.NoError(t, err)
	require.Equal(t, "dear customer", string(content))
	opening, err := s.trail.Opening(ctx, troth.Subject{Tenant: "acme", ID: "17"}, "access-request")
	require.NoError(t, err)
	subject := partStates(t, s, id, audit.PartPresent, audit.PartPresent, audit.PartPresent)[0].Subject

	receipt, err := s.vault.Shred(ctx, troth.UnmanagedPermit("erasure-request"), target)
	require.NoError(t, err)
	for n, info := range partStates(t, s, id, states...) {
		ref := audit.PartRef{Tenant: "acme", Entry: id, Part: n, SubjectID: []string{"17", "17", "18"}[n]}
		_, err := s.trail.OpenPart(ctx, ref, "access-request")
		gone, erased := errors.AsType[*audit.PartGoneError](err)
		require.Equal(t, info.State == audit.PartErased, erased, "part %d: %v", n, err)
		if erased {
			require.Equal(t, receipt.Entry, info.By)
			require.Equal(t, receipt.Entry, gone.By)
			require.ErrorIs(t, err, vault.ErrShredded)
		}
	}
	require.NoError(t, opening.Verify(subject), "what the person was given still opens")
}

func partStates(t *testing.T, s *shop, id troth.EntryID, states ...audit.PartState) []audit.PartInfo {
	t.Helper()
	infos, err := s.trail.Parts(t.Context(), "acme", id)
	require.NoError(t, err)
	var got []audit.PartState
	for _, info := range infos {
		got = append(got, info.State)
	}
	require.Equal(t, states, got)
	return infos
}
