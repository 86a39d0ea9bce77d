// Quickstart is a small shop software with three customers of its own, its
// tenants, who keep the personal data of theirs. It tells a short story of what
// troth does for it; every line that it prints was checked, and it exits with
// status 0 only if all of them hold.
//
//	go run ./examples/quickstart [-dir DIR] [-dsn POSTGRES]
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() { os.Exit(status()) }

func status() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		return 1
	}
	return 0
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	dir := flags.String("dir", "troth-quickstart", "folder for the database and the secrets")
	dsn := flags.String("dsn", "", "use this PostgreSQL database instead of SQLite in the folder")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	s, err := openShop(ctx, *dir, *dsn)
	if err != nil {
		return err
	}
	story := &story{shop: s, out: out}
	return errors.Join(story.tell(ctx), s.close(context.WithoutCancel(ctx)))
}
