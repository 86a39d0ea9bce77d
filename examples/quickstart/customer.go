package main

import (
	"bytes"
	"context"
	"database/sql"
	_ "embed"
	"encoding/csv"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/rights"
	"github.com/trothdev/troth/vault"
)

//go:embed customers.csv
var customersCSV []byte

// columns are the personal data of a customer, in the order of the file and of
// the table.
var columns = []string{"name", "email", "phone", "address"}

// compartment is the class of data that a customer's profile belongs to.
const compartment troth.Compartment = "profile"

// customer is one line of the file, or one row of the table.
type customer struct {
	shop, id string
	// fields are the values of columns: plaintext in the file, sealed in the
	// table.
	fields [][]byte
}

func (c customer) subject() troth.Subject {
	return troth.Subject{Tenant: troth.Tenant(c.shop), ID: c.id}
}

func cell(column, row string) troth.Cell {
	return troth.Cell{Table: "customer", Column: column, Row: row}
}

// readCustomers reads the made-up customers of all three shops.
func readCustomers() ([]customer, error) {
	lines, err := csv.NewReader(bytes.NewReader(customersCSV)).ReadAll()
	if err != nil {
		return nil, err
	}
	var list []customer
	for _, line := range lines[1:] {
		c := customer{shop: line[0], id: line[1]}
		for _, field := range line[2:] {
			c.fields = append(c.fields, []byte(field))
		}
		list = append(list, c)
	}
	return list, nil
}

// importAll stores the customers that are not there yet, a hundred in each
// transaction, and tells how many there were and in how many transactions.
func (s *shop) importAll(ctx context.Context, all []customer) (added, txs int, err error) {
	for batch := range slices.Chunk(all, 100) {
		n := 0
		err := s.inTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			for _, c := range batch {
				one, err := s.importOne(ctx, tx, c)
				if err != nil {
					return err
				}
				n += one
			}
			return nil
		})
		if err != nil {
			return added, txs, err
		}
		added += n
		txs++
	}
	return added, txs, nil
}

// importOne seals a customer's fields under the customer's own key and stores
// them. It reports 0 if the row is there, or the customer was erased: they stay so.
func (s *shop) importOne(ctx context.Context, tx *sql.Tx, c customer) (int, error) {
	var there int
	err := tx.QueryRowContext(ctx, "SELECT count(*) FROM customer WHERE shop = $1 AND id = $2", c.shop, c.id).Scan(&there)
	if err != nil || there > 0 {
		return 0, err
	}
	gone, err := s.kit.Rights.Erased(ctx, troth.Tenant(c.shop), []rights.Identifier{{Kind: "subject", Value: troth.Protect(c.id)}})
	if err != nil || gone[0] {
		return 0, err
	}
	handle, err := s.kit.Vault.For(ctx, c.subject(), compartment, "")
	if err != nil {
		return 0, err
	}
	sealed := make([][]byte, len(columns))
	for i, column := range columns {
		if sealed[i], err = handle.AppendSeal(ctx, nil, cell(column, c.id), c.fields[i]); err != nil {
			return 0, err
		}
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO customer (shop, id, name, email, phone, address) VALUES ($1, $2, $3, $4, $5, $6)",
		c.shop, c.id, sealed[0], sealed[1], sealed[2], sealed[3])
	return 1, err
}

// row reads a customer of our shop as the database has it.
func (s *shop) row(ctx context.Context, id string) (customer, error) {
	c := customer{shop: ours, id: id, fields: make([][]byte, len(columns))}
	err := s.db.QueryRowContext(ctx, "SELECT name, email, phone, address FROM customer WHERE shop = $1 AND id = $2", ours, id).
		Scan(&c.fields[0], &c.fields[1], &c.fields[2], &c.fields[3])
	if err != nil {
		return c, fmt.Errorf("read customer: %w", err)
	}
	return c, nil
}

// items are the fields of a row and where they stand.
func (c customer) items() []vault.Item {
	items := make([]vault.Item, len(columns))
	for i, column := range columns {
		at := troth.Context{Subject: c.subject(), Compartment: compartment, Cell: cell(column, c.id)}
		items[i] = vault.Item{At: at, Data: c.fields[i]}
	}
	return items
}

// open opens all fields of a row as the context's actor.
func (s *shop) open(ctx context.Context, c customer, p troth.Purpose) (customer, error) {
	fields, err := s.kit.Vault.OpenBatch(ctx, p, c.items())
	return customer{shop: c.shop, id: c.id, fields: fields}, err
}
