// Command temporal is a server of Temporal for tests, in memory: it serves the address of its
// argument, with the namespace "allocate", until its input ends. Started again, it knows nothing of
// before.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/server/temporaltest"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(address string) error {
	server := temporaltest.NewServer()
	defer server.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	api := server.GetDefaultClient().WorkflowService()
	_, err := api.RegisterNamespace(ctx, &workflowservice.RegisterNamespaceRequest{Namespace: "allocate", WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour)})
	if err != nil {
		return err
	}
	for { // until every part of the server knows it
		_, err := api.ListWorkflowExecutions(ctx, &workflowservice.ListWorkflowExecutionsRequest{Namespace: "allocate", PageSize: 1})
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go forward(l, server.GetFrontendHostPort())
	fmt.Println("serving")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// forward passes connections on: the server itself chooses its port.
func forward(l net.Listener, to string) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", to)
		if err != nil {
			_ = in.Close()
			continue
		}
		pass := func(a, b net.Conn) {
			_, _ = io.Copy(a, b)
			_ = a.Close()
			_ = b.Close()
		}
		go pass(in, out)
		go pass(out, in)
	}
}
