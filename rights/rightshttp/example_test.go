package rightshttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/rights/rightshttp"
	"github.com/trothdev/troth/storage/keyfile"
	"github.com/trothdev/troth/storage/memory"
	"github.com/trothdev/troth/storage/memory/rightsmem"
)

// caller stands for the host's own login.
func caller(r *http.Request) (rightshttp.Caller, error) {
	c := rightshttp.Caller{Tenant: "acme", LimitKey: r.RemoteAddr}
	switch r.Header.Get("Login") {
	case "ada":
		c.SubjectID, c.Actor, c.LoggedInAt = "c-17", troth.Actor{Kind: troth.Person, ID: "c-17"}, time.Now()
	case "clerk":
		c.Staff, c.Actor = true, troth.Actor{Kind: troth.Person, ID: "staff-1"}
	default:
		return c, errors.New("no such login")
	}
	return c, nil
}

// A person asks for their data, shows who they are, and staff accept it.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "keys")
	err = keyfile.Create(file, "a passphrase")
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := keyfile.Open(file, "a passphrase")
	if err != nil {
		fmt.Println(err)
		return
	}
	db := memory.Open()
	desk, err := rights.New(ctx, rights.Config{
		Store: rightsmem.New(db), Keys: keys,
		Recorder: troth.UnsafeNoEvidence(db), // a program that accounts for what it does has a trail
	}, rights.WithRegimes("gdpr"))
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := rightshttp.New(rightshttp.Config{Desk: desk, Authenticate: caller})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/privacy/", http.StripPrefix("/privacy", h))
	server := httptest.NewServer(mux)
	defer server.Close()

	call := func(login, method, path, body string) string {
		r, _ := http.NewRequestWithContext(ctx, method, server.URL+"/privacy"+path, strings.NewReader(body))
		r.Header.Set("Login", login)
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	field := func(name, answer string) string {
		return regexp.MustCompile(`"` + name + `":"([^"]*)"`).FindStringSubmatch(answer)[1]
	}
	asked := call("ada", "POST", "/requests", `{"right":"access"}`)
	id := field("id", asked)
	fmt.Println(field("state", asked), "and needs", field("needs", asked))
	fmt.Println(field("code", call("clerk", "POST", "/requests/"+id+"/accept", "")))
	fmt.Println(field("level", call("ada", "POST", "/requests/"+id+"/verify", "{}")))
	fmt.Println(field("state", call("clerk", "POST", "/requests/"+id+"/accept", "")))
	fmt.Print(call("nobody", "GET", "/requests/"+id, ""))
	// Output:
	// received and needs high
	// unproven
	// high
	// accepted
	// {"type":"https://github.com/trothdev/troth/blob/main/docs/rights-http.md#unauthorised","title":"It is not known who calls.","status":401,"code":"unauthorised"}
}
