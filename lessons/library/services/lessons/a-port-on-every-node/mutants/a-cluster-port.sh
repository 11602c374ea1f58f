#!/bin/sh
# about: the port of the Service is taken for one of the nodes
# fails: open: A ClusterIP means something only to those who have the rule for it
set -e
kubectl patch service web --type=json -p '[{"op":"replace","path":"/spec/ports/0/port","value":30080}]'
