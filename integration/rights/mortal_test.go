package rights

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/rightssql"
)

// mortalEnv makes the test binary a program that carries one erasure on, and is killed
// where its configuration says.
const mortalEnv = "TROTH_TEST_RIGHTS_CHILD"

// mortal is what that program is told.
type mortal struct {
	Driver, DSN string
	// Folder is where what is not in the database lies.
	Folder string
	// Now is where its clock begins, in microseconds.
	Now int64
	// Transaction says at which of the transactions that write it is killed, from 1, Late
	// that this is after the commit and not before. 0 kills nobody.
	Transaction int
	Late        bool
}

func (m mortal) dialect() sqlstore.Dialect {
	if m.Driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

// run starts the program and waits for its end; killed says how that was.
func (m mortal) run(t *testing.T) (killed bool) {
	t.Helper()
	text, err := json.Marshal(m)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), mortalEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	err = cmd.Run()
	if err == nil {
		return false
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok && status.Signaled() && status.Signal() == syscall.SIGKILL, err)
	return true
}

// die ends this program at once, with nothing tidied up.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// open gives a desk on the database, which dies as it is told.
func (m mortal) open(ctx context.Context) (*bureau, error) {
	db, err := sql.Open(m.Driver, m.DSN)
	if err != nil {
		return nil, err
	}
	h, err := sqlstore.Open(ctx, db, m.dialect())
	if err != nil {
		return nil, err
	}
	store, err := rightssql.New(ctx, h)
	if err != nil {
		return nil, err
	}
	b := &bureau{h: h, db: db, folder: m.Folder, now: time.UnixMicro(m.Now)}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	tx := &deadly{Transactor: h, at: m.Transaction, late: m.Late}
	frail := &frail{Backend: store, tx: tx}
	opts := []rights.Option{
		rights.WithRegimes("gdpr"), rights.WithClock(func() time.Time { return b.now }), rights.WithSealer(fixedSealer{}),
		rights.Unmanaged("test"), rights.WithController("Acme Ltd."), rights.WithCoolingOff(time.Hour), rights.WithTries(3),
	}
	for _, s := range b.sources() {
		opts = append(opts, rights.WithSource(s))
	}
	b.desk, err = rights.New(ctx, rights.Config{Store: frail, Recorder: notebook{h, tx}, Keys: fixedKeys{}}, opts...)
	return b, err
}

// runMortal carries the request on until nothing more can be done today.
func runMortal(config string) error {
	var m mortal
	if err := json.Unmarshal([]byte(config), &m); err != nil {
		return err
	}
	ctx := troth.WithActor(context.Background(), troth.Actor{Kind: troth.Service, ID: "shop"})
	b, err := m.open(ctx)
	if err != nil {
		return err
	}
	for range 30 {
		if err := b.goOn(ctx); err != nil {
			return err
		}
		b.now = b.now.Add(10 * time.Minute)
	}
	return nil
}

// goOn does what the host does beside the desk's own work.
func (b *bureau) goOn(ctx context.Context) error {
	r, err := b.desk.Submit(ctx, rights.Submission{
		Tenant: "acme", ID: "e", Right: rights.Erase, Via: rights.ViaAccount, SubjectID: "client-17",
		Contents: rights.Contents{Identifiers: []rights.Identifier{{Kind: "email", Value: troth.Protect(adasAddress)}}},
	})
	if err != nil {
		return err
	}
	switch r.State {
	case rights.StateReceived:
		p, err := b.desk.Proof(ctx, "acme", "e")
		if err != nil {
			if p, err = b.desk.Attest(ctx, rights.Attestation{
				Tenant: "acme", Request: "e", SubjectID: "client-17", Method: rights.ByReauthentication,
			}); err != nil {
				return err
			}
		}
		_, err = b.desk.Accept(ctx, "acme", "e", p)
		return err
	case rights.StateReviewing:
		_, err = b.desk.Approve(ctx, "acme", "e")
		return err
	case rights.StateDelivering:
		_, err = b.desk.Deliver(ctx, "acme", "e", time.Time{})
		return err
	default:
		return b.desk.Sweep(ctx)
	}
}

// frail is a store that says which transactions write.
type frail struct {
	rights.Backend
	tx *deadly
}

func (f *frail) Transactor() troth.Transactor { return f.tx }

func (f *frail) InsertRequest(ctx context.Context, row rights.RequestRow) (bool, error) {
	inserted, err := f.Backend.InsertRequest(ctx, row)
	f.tx.wrote = f.tx.wrote || inserted
	return inserted, err
}

func (f *frail) PutRequest(ctx context.Context, row rights.RequestRow) error {
	f.tx.wrote = true
	return f.Backend.PutRequest(ctx, row)
}

func (f *frail) PutItem(ctx context.Context, row rights.ItemRow) error {
	f.tx.wrote = true
	return f.Backend.PutItem(ctx, row)
}

func (f *frail) WriteItems(ctx context.Context, rows []rights.ItemRow) error {
	f.tx.wrote = true
	return f.Backend.WriteItems(ctx, rows)
}

// deadly ends the program before or after one of its commits.
type deadly struct {
	troth.Transactor
	at, seen int
	late     bool
	wrote    bool
}

func (d *deadly) Atomically(ctx context.Context, fn func(ctx context.Context) error) error {
	if d.Scope(ctx) != nil {
		return d.Transactor.Atomically(ctx, fn)
	}
	d.wrote = false
	now := false
	err := d.Transactor.Atomically(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil || !d.wrote {
			return err
		}
		d.seen++
		if now = d.seen == d.at; now && !d.late {
			die()
		}
		return nil
	})
	if now && err == nil {
		die()
	}
	return err
}

// notebook keeps what the trail would, in the transaction of what it is about.
type notebook struct {
	h  *sqlstore.Handle
	tx troth.Transactor
}

func (n notebook) Transactor() troth.Transactor { return n.tx }

func (n notebook) Record(ctx context.Context, e troth.Entry) (troth.EntryID, error) {
	if err := e.Validate(); err != nil {
		return troth.EntryID{}, err
	}
	_, err := n.h.Querier(ctx).Exec(ctx, n.h.Dialect().Rebind("INSERT INTO noted (act, what, outcome) VALUES (?, ?, ?)"),
		e.Act.Name, e.Facts["source"].Text()+e.Facts["event"].Text(), e.Facts["outcome"].Text())
	return troth.NewEntryID(time.Now()), err
}

// fixedSealer seals under keys that every program knows.
type fixedSealer struct{}

func (fixedSealer) aead(at troth.Context) (cipher.AEAD, []byte, error) {
	key := sha256.Sum256([]byte("not a secret " + at.Subject.ID))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return aead, fmt.Appendf(nil, "%+v", at), err
}

func (s fixedSealer) Seal(_ context.Context, dst []byte, at troth.Context, plaintext []byte) ([]byte, error) {
	aead, bound, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return aead.Seal(dst, nil, plaintext, bound), nil
}

func (s fixedSealer) Open(_ context.Context, dst []byte, at troth.Context, _ troth.Purpose, sealed []byte) ([]byte, error) {
	aead, bound, err := s.aead(at)
	if err != nil {
		return nil, err
	}
	return aead.Open(dst, nil, sealed, bound)
}
