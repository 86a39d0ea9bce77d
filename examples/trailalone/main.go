// Trailalone wires the trail and nothing else: no vault and no kit. It keeps
// evidence in SQLite under keys from a file, signs it, and keeps checkpoints in
// a file apart. Then it does what a host does once in a while: it replaces the
// signing key; and it puts back an old copy of the database, is told that
// something is missing, and goes on in a new log that admits it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/audit"
)

// shipped is the host's own act.
var shipped = &troth.Act{Name: "shop.ship", Version: 1, Doc: "A parcel was handed to the carrier."}

func main() {
	dir, err := os.MkdirTemp("", "trailalone")
	if err == nil {
		err = errors.Join(run(context.Background(), dir, os.Stdout), os.RemoveAll(dir))
	}
	if err != nil {
		log.Fatal(err)
	}
}

// story is told in a folder. keys are those by which the log is believed; a real
// host keeps them in its configuration.
type story struct {
	dir  string
	out  io.Writer
	keys audit.Verifiers
}

func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func run(ctx context.Context, dir string, out io.Writer) error {
	ctx = troth.WithActor(ctx, troth.Actor{Kind: troth.Service, ID: "shop"})
	s := &story{dir: dir, out: out}
	first, err := audit.GenerateSigningKey("shop.example/trail") // a host keeps its Secret
	if err != nil {
		return err
	}
	if err := s.with(ctx, first, s.ship); err != nil {
		return err
	}
	second, err := s.rotate(ctx, first)
	if err != nil {
		return err
	}
	return s.putBack(ctx, second)
}

// ship records, and has it signed. A process that stays leaves the last two steps
// to Trail.Run, which it starts beside everything else.
func (s *story) ship(ctx context.Context, trail *audit.Trail) error {
	id, err := trail.Record(ctx, troth.Entry{Act: shipped, Tenant: "acme", SubjectID: "c-1017"})
	if err != nil {
		return err
	}
	at, err := trail.Await(ctx, "acme", id)
	if err != nil {
		return err
	}
	s.say("shipped: entry %d of log %d", at.Index, at.Log)
	_, err = trail.Checkpoint(ctx)
	return err
}

// rotate replaces the signing key. Who believed the old key for all sizes
// believes it up to the change from now on, and the new one from there.
func (s *story) rotate(ctx context.Context, old audit.SigningKey) (next audit.SigningKey, err error) {
	if next, err = audit.GenerateSigningKey(old.Name()); err != nil {
		return next, err
	}
	if s.keys, err = s.keys.With(old.VerifierKey()); err != nil {
		return next, err
	}
	var size uint64
	err = s.with(ctx, next, func(ctx context.Context, trail *audit.Trail) error {
		size, err = trail.Rotate(ctx, old)
		return err
	})
	if err != nil {
		return next, err
	}
	if s.keys, err = (audit.Verifiers{}).WithSizes(old.VerifierKey(), 0, size+1); err != nil {
		return next, err
	}
	s.keys, err = s.keys.WithSizes(next.VerifierKey(), size, 0)
	s.say("the key was replaced at size %d", size)
	return next, err
}

// putBack loses what was shipped since a copy was made, and goes on.
func (s *story) putBack(ctx context.Context, key audit.SigningKey) error {
	copied, err := os.ReadFile(s.path("shop.db"))
	if err != nil {
		return err
	}
	if err := s.with(ctx, key, s.ship); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("shop.db"), copied, 0o600); err != nil { //nolint:gosec // in a folder that main made
		return err
	}
	err = s.with(ctx, key, s.ship) // it is recorded, and waits
	if _, behind := errors.AsType[*audit.RolledBackError](err); !behind {
		return errors.Join(errors.New("the old copy was not noticed"), err)
	}
	s.say("an old copy was put back: %v", err)

	known, err := os.ReadFile(s.path("kept.checkpoint"))
	if err != nil {
		return err
	}
	next, err := audit.GenerateSigningKey("shop.example/trail-2")
	if err != nil {
		return err
	}
	return s.with(ctx, next, func(ctx context.Context, trail *audit.Trail) error {
		if err := trail.Continue(ctx, known); err != nil {
			return err
		}
		if err := s.ship(ctx, trail); err != nil {
			return err
		}
		return s.verify(ctx, trail)
	})
}

func (s *story) verify(ctx context.Context, trail *audit.Trail) error {
	report, err := trail.Verify(ctx, audit.VerifyParams{})
	for _, l := range report.Logs {
		s.say("log %d, %s: %d entries, %d lost", l.Log, l.Origin, l.Size, l.Lost)
	}
	return err
}
