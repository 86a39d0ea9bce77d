package audit

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/audit/audittest"
	"github.com/trothdev/troth/storage/sqlstore"
	"github.com/trothdev/troth/storage/sqlstore/auditsql"
)

// childEnv makes the test binary another program, with the configuration that
// it holds.
const childEnv = "TROTH_TEST_AUDIT_CHILD"

// childConfig is what another program is told at its start.
type childConfig struct {
	site
	// Name tells programs apart.
	Name string
	// Writers record Entries each, 0 for as long as the program lives.
	Writers, Entries int
	// Run runs the sequencer.
	Run bool
	// BreakAt is the call of the store behind which the program gets the signal,
	// the Nth time; empty for never.
	BreakAt string
	Nth     int
	Signal  syscall.Signal
}

// site is where programs meet: a database, the keys that they share, and a
// folder for the checkpoints that each gave to its sink.
type site struct {
	Driver, DSN string
	Seed        []byte
	Signer      string
	Notes       string
}

const host = `CREATE TABLE host_row (name TEXT PRIMARY KEY, entry TEXT NOT NULL)`

func (s site) dialect() sqlstore.Dialect {
	if s.Driver == "sqlite" {
		return sqlstore.SQLite
	}
	return sqlstore.Postgres
}

// told is one line of a program's output.
type told struct {
	// Entry is one that was acknowledged, with the host's row Name; one that was
	// recorded alone has none.
	Entry, Name string
	// State is "ready", "broken" before the signal, and "done".
	State string
}

var tenants = []troth.Tenant{"acme", "globex", "initech"}

func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { // ends with the program that started this one
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(4)
	}()
	out := &output{to: json.NewEncoder(os.Stdout)}
	w, err := c.open(ctx, out)
	if err != nil {
		return err
	}
	out.tell(told{State: "ready"})
	ended := make(chan error, 1)
	if c.Run {
		go func() { ended <- w.trail.Run(ctx) }()
	}
	if err := w.writeAll(ctx, c, out); err != nil {
		return err
	}
	if c.Entries == 0 {
		return <-ended // an error, or never
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		return err
	}
	out.tell(told{State: "done"})
	return nil
}

type output struct {
	mu sync.Mutex
	to *json.Encoder
}

func (o *output) tell(t told) {
	o.mu.Lock()
	err := o.to.Encode(t)
	o.mu.Unlock()
	if err != nil {
		os.Exit(3) // nobody listens any more
	}
}

// program is a process that uses the trail.
type program struct {
	handle *sqlstore.Handle
	store  audit.Backend
	trail  *audit.Trail
}

// open connects to the site as every program does.
func (s site) connect(ctx context.Context, wrap func(audit.Backend) audit.Backend, opts ...audit.Option) (*program, *sql.DB, error) {
	db, err := sql.Open(s.Driver, s.DSN)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(12)
	h, err := sqlstore.Open(ctx, db, s.dialect())
	if err != nil {
		return nil, db, err
	}
	sqlStore, err := auditsql.New(ctx, h)
	if err != nil {
		return nil, db, err
	}
	p := &program{handle: h, store: wrap(sqlStore)}
	p.trail, err = audit.New(ctx, p.store, seeded(s.Seed), audittest.NewSealer(), opts...)
	return p, db, err
}

func (c childConfig) open(ctx context.Context, out *output) (*program, error) {
	signer, err := audit.ParseSigningKey(c.Signer)
	if err != nil {
		return nil, err
	}
	sink, err := os.OpenFile(filepath.Join(c.Notes, c.Name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p, _, err := c.connect(ctx, func(inner audit.Backend) audit.Backend { return &breaking{inner, c, out, sync.Mutex{}, 0} },
		audit.WithSigner(signer), audit.WithSink(lines{json.NewEncoder(sink)}),
		audit.WithCheckpoints(50*time.Millisecond, time.Second))
	return p, err
}

// writeAll records in transactions together with a row of the host's own. One in
// five is rolled back. After each it records one alone, see [audit.Trail.Record].
func (p *program) writeAll(ctx context.Context, c childConfig, out *output) error {
	errs := make(chan error, c.Writers)
	for w := range c.Writers {
		go func() {
			who := fmt.Sprintf("%s-%d", c.Name, w)
			ctx := troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: who})
			for i := 0; c.Entries == 0 || i < c.Entries; i++ {
				tenant := tenants[(w+i)%len(tenants)]
				err := p.write(ctx, fmt.Sprintf("%s-%d", who, i), tenant, i%5 == 4, out)
				if err == nil {
					err = p.writeAlone(ctx, tenant, out)
				}
				if err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range c.Writers {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

var errRefused = errors.New("refused by the host")

func (p *program) write(ctx context.Context, name string, tenant troth.Tenant, refuse bool, out *output) error {
	var id troth.EntryID
	err := p.handle.Atomically(ctx, func(ctx context.Context) (err error) {
		if id, err = p.trail.Record(ctx, troth.Entry{Act: act, Tenant: tenant}); err != nil {
			return err
		}
		insert := p.handle.Dialect().Rebind(`INSERT INTO host_row (name, entry) VALUES (?, ?)`)
		if _, err = p.handle.Querier(ctx).Exec(ctx, insert, name, hex.EncodeToString(id[:])); err == nil && refuse {
			err = errRefused
		}
		return err
	})
	switch {
	case refuse && errors.Is(err, errRefused):
		return nil
	case errors.Is(err, troth.ErrBusy): // SQLite, while another holds its lock
		return nil
	case err == nil:
		out.tell(told{Entry: hex.EncodeToString(id[:]), Name: name})
	}
	return err
}

func (p *program) writeAlone(ctx context.Context, tenant troth.Tenant, out *output) error {
	id, err := p.trail.Record(ctx, troth.Entry{Act: other, Tenant: tenant})
	switch {
	case errors.Is(err, troth.ErrBusy):
		return nil
	case err == nil:
		out.tell(told{Entry: hex.EncodeToString(id[:])})
	}
	return err
}

// breaking signals its own process behind a call of the sequencer's.
type breaking struct {
	audit.Backend
	c     childConfig
	out   *output
	mu    sync.Mutex
	calls int
}

func (b *breaking) after(method string, err error) error {
	if err != nil || method != b.c.BreakAt {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls++; b.calls == b.c.Nth {
		b.out.tell(told{State: "broken"})
		return syscall.Kill(os.Getpid(), b.c.Signal)
	}
	return nil
}

func (b *breaking) OneWriter() bool { return b.c.Driver == "sqlite" }

func (b *breaking) AppendAll(ctx context.Context, rows []audit.InboxRow) (int, error) {
	return b.Backend.(*auditsql.Store).AppendAll(ctx, rows)
}

func (b *breaking) TakeInbox(ctx context.Context, limit int) ([]audit.InboxRow, error) {
	rows, err := b.Backend.TakeInbox(ctx, limit)
	if err == nil && len(rows) == 0 {
		return rows, nil
	}
	return rows, b.after("TakeInbox", err)
}

func (b *breaking) AppendLog(ctx context.Context, rows []audit.LogRow) error {
	return b.after("AppendLog", b.Backend.AppendLog(ctx, rows))
}

func (b *breaking) PutTiles(ctx context.Context, log int, tiles []audit.Tile) error {
	return b.after("PutTiles", b.Backend.PutTiles(ctx, log, tiles))
}

func (b *breaking) PutTenantHeads(ctx context.Context, log int, heads []audit.TenantHead) error {
	return b.after("PutTenantHeads", b.Backend.PutTenantHeads(ctx, log, heads))
}

func (b *breaking) MoveHead(ctx context.Context, m audit.HeadMove) (bool, error) {
	moved, err := b.Backend.MoveHead(ctx, m)
	return moved, b.after("MoveHead", err)
}

func (b *breaking) PutCheckpoint(ctx context.Context, c audit.CheckpointRow) error {
	return b.after("PutCheckpoint", b.Backend.PutCheckpoint(ctx, c))
}

// lines is a sink that writes a line for each checkpoint.
type lines struct{ to *json.Encoder }

func (l lines) Put(_ context.Context, note []byte) error { return l.to.Encode(note) }

func (l lines) Latest(context.Context) ([]byte, error) { return nil, nil }

// seeded are keys that all programs of a site derive alike.
type seeded []byte

func (s seeded) derive(ref troth.KeyRef) []byte {
	h := hmac.New(sha256.New, s)
	fmt.Fprintf(h, "%q %q %q", ref.Tenant, ref.Use, ref.ID)
	return h.Sum(nil)
}

func (s seeded) MAC(_ context.Context, ref troth.KeyRef, message []byte) ([32]byte, error) {
	h := hmac.New(sha256.New, s.derive(ref))
	h.Write(message)
	return [32]byte(h.Sum(nil)), nil
}

func (s seeded) AEAD(_ context.Context, ref troth.KeyRef) (cipher.AEAD, error) {
	block, err := aes.NewCipher(s.derive(ref))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
