package pgtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is where databases are made: one for the whole test process.
type server struct {
	once    sync.Once
	base    string
	err     error
	started *cluster

	mu   sync.Mutex
	free []string // emptied databases of the cluster that was started here
	// templates are databases that are copied.
	templates map[string]*template
}

var theServer server

func (s *server) dsn() (string, error) {
	s.once.Do(func() {
		if s.base = os.Getenv("TROTH_POSTGRES_DSN"); s.base != "" {
			return
		}
		if s.started, s.err = startCluster(); s.err == nil {
			s.base = s.started.dsn()
		}
	})
	return s.base, s.err
}

// take returns the name of a database with nothing in it.
func (s *server) take() (string, error) {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		name := s.free[n-1]
		s.free = s.free[:n-1]
		s.mu.Unlock()
		return name, nil
	}
	s.mu.Unlock()
	name := "troth_" + strings.ToLower(rand.Text())
	return name, administer(s.base, "CREATE DATABASE "+name)
}

// template is a database that was prepared once.
type template struct {
	once sync.Once
	name string
	err  error
}

// takeCopy returns the name of a copy of a prepared database.
func (s *server) takeCopy(of string, prepare func(dsn string) error) (string, error) {
	s.mu.Lock()
	if s.templates == nil {
		s.templates = make(map[string]*template)
	}
	if s.templates[of] == nil {
		s.templates[of] = &template{}
	}
	t := s.templates[of]
	s.mu.Unlock()
	t.once.Do(func() {
		t.name = "troth_" + strings.ToLower(rand.Text())
		if t.err = administer(s.base, "CREATE DATABASE "+t.name); t.err != nil {
			return
		}
		var dsn string
		if dsn, t.err = withDatabase(s.base, t.name); t.err == nil {
			t.err = prepare(dsn)
		}
	})
	if t.err != nil {
		return "", t.err
	}
	name := "troth_" + strings.ToLower(rand.Text())
	return name, administer(s.base, "CREATE DATABASE "+name+" TEMPLATE "+t.name)
}

// dropTemplates leaves nothing behind on a server that is not ours.
func (s *server) dropTemplates() {
	if s.started != nil || s.base == "" {
		return
	}
	for _, t := range s.templates {
		_ = administer(s.base, "DROP DATABASE IF EXISTS "+t.name+" WITH (FORCE)")
	}
}

// giveBack empties a database for the next test, because making and dropping
// one costs a checkpoint of the server. On a server that is not ours nothing
// is left behind.
func (s *server) giveBack(name string) error {
	if s.started == nil {
		return administer(s.base, "DROP DATABASE "+name+" WITH (FORCE)")
	}
	dsn, err := withDatabase(s.base, name)
	if err != nil {
		return err
	}
	if err := administer(dsn, empty...); err != nil {
		return err
	}
	s.mu.Lock()
	s.free = append(s.free, name)
	s.mu.Unlock()
	return nil
}

// empty ends everybody else's connections and drops all that is in a database.
var empty = []string{
	`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
	 WHERE datname = current_database() AND pid <> pg_backend_pid()`,
	`DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' LOOP
			EXECUTE format('DROP SCHEMA %I CASCADE', name);
		END LOOP;
		EXECUTE format('ALTER DATABASE %I RESET ALL', current_database());
	END $$`,
	"CREATE SCHEMA public",
}

func administer(dsn string, statements ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = c.Close(ctx) }()
	for _, statement := range statements {
		if _, err := c.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", strings.Fields(statement)[0], err)
		}
	}
	return nil
}
