package cluster

import (
	"io"
	"log"
)

// quiet takes what net/http says about connections that broke: the client has seen it, and nobody reads it here.
var quiet = log.New(io.Discard, "", 0)
