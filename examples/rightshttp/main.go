// Rightshttp is a shop with two tables that offers the rights desk as JSON over HTTP. A
// customer asks for a copy of everything, and then for its end with a certificate: walk.sh
// does both with curl, and opens the copy with age and unzip.
//
//	go run ./examples/rightshttp -dir shop -addr localhost:8080 &
//	sh examples/rightshttp/walk.sh http://localhost:8080/privacy shop-copy
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights/rightshttp"
)

const tenant troth.Tenant = "shop"

func main() {
	dir := flag.String("dir", "shop", "folder of the database and its secrets")
	addr := flag.String("addr", "localhost:8080", "where to listen")
	flag.Parse()
	if err := listen(*dir, *addr); err != nil {
		log.Fatal(err)
	}
}

func listen(dir, addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	return run(ctx, dir, listener)
}

// run serves until ctx ends.
func run(ctx context.Context, dir string, listener net.Listener) (err error) {
	s, err := open(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(context.WithoutCancel(ctx))) }()
	h, err := s.handler()
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running := make(chan error, 1)
	go func() {
		running <- s.kit.Run(ctx) // what was accepted is carried out by it
		_ = server.Close()        // nothing is served without it
	}()
	if err = server.Serve(listener); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	cancel()
	if ran := <-running; !errors.Is(ran, context.Canceled) {
		err = errors.Join(err, ran)
	}
	return err
}

// handler puts the desk under /privacy.
func (s *shop) handler() (http.Handler, error) {
	desk, err := rightshttp.New(rightshttp.Config{Desk: s.kit.Rights, Authenticate: authenticate})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/privacy/", http.StripPrefix("/privacy", desk))
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(rightshttp.OpenAPI()))
	})
	return mux, nil
}

var errLogin = errors.New("no such login")

// authenticate stands for the shop's own login, of which it has none: a real one looks a
// session up, and takes the tenant from it or from the host name. Whoever calls without
// a login is a visitor, and may ask too.
func authenticate(r *http.Request) (rightshttp.Caller, error) {
	network, _, _ := net.SplitHostPort(r.RemoteAddr)
	c := rightshttp.Caller{Tenant: tenant, LimitKey: network, Actor: troth.Actor{Kind: troth.Person, ID: "visitor"}}
	login := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch login {
	case "":
	case "clerk":
		c.Staff, c.Actor.ID = true, "staff-1"
	case "customer-17", "customer-18":
		c.SubjectID, c.Actor.ID, c.LimitKey = login, login, login
		if r.Header.Get("Just-Logged-In") != "" {
			c.LoggedInAt = time.Now()
		}
	default:
		return rightshttp.Caller{}, errLogin
	}
	return c, nil
}

// close ends what Run drove.
func (s *shop) close(ctx context.Context) error {
	return errors.Join(s.kit.Close(ctx), s.db.Close())
}
