package kit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"iter"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/kit"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/export"
	"github.com/trothdev/troth/vault"
)

// diary is a host's source: what people wrote, sealed under their keys.
type diary struct {
	k     *kit.Kit
	pages map[troth.Subject][][]byte
}

func page(who troth.Subject, n int) troth.Context {
	return troth.Context{Subject: who, Compartment: "diary", Cell: troth.Cell{Table: "diary", Column: "page", Row: strconv.Itoa(n)}}
}

// write adds a page.
func (d *diary) write(ctx context.Context, who troth.Subject, text string) error {
	sealed, err := d.k.Vault.AppendSeal(ctx, nil, page(who, len(d.pages[who])), []byte(text))
	if err == nil {
		d.pages[who] = append(d.pages[who], sealed)
	}
	return err
}

func (d *diary) read(ctx context.Context, who troth.Subject) (all []string, err error) {
	for i, sealed := range d.pages[who] {
		text, err := d.k.Vault.AppendOpen(ctx, nil, page(who, i), "rights-request", sealed)
		if err != nil {
			return nil, err
		}
		all = append(all, string(text))
	}
	return all, nil
}

func (d *diary) source() rights.Source {
	return rights.Source{Name: "diary", Order: rights.Primary, Records: []string{"page"}, Exporter: d, Eraser: d}
}

func (*diary) Types() []export.Type { return []export.Type{{Name: "page", About: export.Person}} }

func (d *diary) Export(ctx context.Context, q rights.Inquiry) iter.Seq2[export.Record, error] {
	return func(yield func(export.Record, error) bool) {
		all, err := d.read(ctx, q.Subject())
		if err != nil {
			yield(export.Record{}, err)
			return
		}
		for i, text := range all {
			if !yield(export.Record{Type: "page", ID: strconv.Itoa(i), Fields: []export.Field{export.Text("text", text)}}, nil) {
				return
			}
		}
	}
}

func (d *diary) Erase(_ context.Context, q rights.Inquiry) (rights.Report, error) {
	n := len(d.pages[q.Subject()])
	if n == 0 {
		return rights.Report{Outcome: rights.NothingFound, Asked: []string{"subject"}}, nil
	}
	delete(d.pages, q.Subject())
	return rights.Report{Outcome: rights.Done, Method: rights.Deleted, Records: uint64(n)}, nil
}

// TestRights_WhoWasErasedStartsAgainFromTheirExport: before she is erased Ada takes a copy.
// Afterwards her address is blocked, from imports and lists, until she comes back herself: as
// somebody new, with what is in her archive; the one whom she was stays erased.
func TestRights_WhoWasErasedStartsAgainFromTheirExport(t *testing.T) {
	each(t, func(t *testing.T, d database) {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		require.NoError(t, err)
		signer, err := export.NewSigner("shop.example/exports", private)
		require.NoError(t, err)
		key, err := export.VerifierKey("shop.example/exports", public)
		require.NoError(t, err)
		book := &diary{pages: map[troth.Subject][][]byte{}}
		c := d.config(d.connect(t))
		c.Rights = func(k *kit.Kit) []rights.Option {
			book.k = k
			return []rights.Option{
				rights.WithCoolingOff(0), rights.WithController("Acme Ltd."), rights.WithExports(rights.Exports{Signer: signer}),
				rights.WithSource(book.source()),
			}
		}
		k, err := kit.Open(t.Context(), c)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, k.Close(context.WithoutCancel(t.Context()))) })
		ctx := asService(t)
		ada, again := reader("ada"), reader("ada-2")
		wrote := []string{"Dear diary,", "today I was erased."}
		for _, text := range wrote {
			require.NoError(t, book.write(ctx, ada, text))
		}
		sealed := slices.Clone(book.pages[ada][0])

		// An export, and then the erasure.
		address := rights.Identifier{Kind: "email", Value: troth.Protect("ada" + at)}
		contents := rights.Contents{Identifiers: []rights.Identifier{address}}
		r := asked(t, k, rights.Submission{Right: rights.Portability, SubjectID: "ada", Contents: contents})
		require.Equal(t, rights.StateDelivering, r.State)
		lock, passphrase, err := export.FreshKey()
		require.NoError(t, err)
		var file bytes.Buffer
		_, err = k.Rights.Export(ctx, "acme", r.ID, &file, lock)
		require.NoError(t, err)
		_, err = k.Rights.Deliver(ctx, "acme", r.ID, time.Time{})
		require.NoError(t, err)
		r = asked(t, k, rights.Submission{Right: rights.Erase, SubjectID: "ada", Contents: contents})
		require.Equal(t, rights.StateDelivering, r.State)
		_, err = k.Vault.AppendOpen(ctx, nil, page(ada, 0), "rights-request", sealed)
		require.ErrorIs(t, err, vault.ErrShredded)

		blocked := func(tenant troth.Tenant, id rights.Identifier) bool {
			t.Helper()
			all, err := k.Rights.Erased(ctx, tenant, []rights.Identifier{id})
			require.NoError(t, err)
			return all[0]
		}
		old := rights.Identifier{Kind: "subject", Value: troth.Protect("ada")}
		require.True(t, blocked("acme", address), "an import of lists must leave her out")
		require.True(t, blocked("acme", old))
		require.False(t, blocked("globex", address), "another company's ledger")

		// She comes back: not as who she was, and with her archive.
		_, err = k.Rights.Return(ctx, ada, []rights.Identifier{address})
		require.ErrorIs(t, err, rights.ErrConflict)
		require.Error(t, book.write(ctx, ada, "again"), "under the old id nothing is sealed")
		unlock, err := export.UnlockWithKey(passphrase)
		require.NoError(t, err)
		_, err = export.Open(bytes.NewReader(file.Bytes()), int64(file.Len()), export.OpenConfig{Unlock: unlock, Key: key, Tenant: "globex"})
		require.ErrorIs(t, err, export.ErrArchive, "another company's archive")
		archive, err := export.Open(bytes.NewReader(file.Bytes()), int64(file.Len()), export.OpenConfig{Unlock: unlock, Key: key, Tenant: "acme"})
		require.NoError(t, err)
		lifted, err := k.Rights.Return(ctx, again, []rights.Identifier{address})
		require.NoError(t, err)
		require.Equal(t, 1, lifted)
		for one, err := range archive.Records(ctx) {
			require.NoError(t, err)
			if one.Source != "diary" {
				continue
			}
			require.NoError(t, book.write(ctx, again, one.Record.Fields[0].Value.Text()))
		}
		got, err := book.read(ctx, again)
		require.NoError(t, err)
		require.Equal(t, wrote, got)
		require.Equal(t, []troth.Subject{again}, slices.Collect(maps.Keys(book.pages)))
		require.False(t, blocked("acme", address), "she is back")
		require.True(t, blocked("acme", old), "who she was stays erased")
		lifted, err = k.Rights.Return(ctx, again, []rights.Identifier{address})
		require.NoError(t, err)
		require.Zero(t, lifted)
	})
}
