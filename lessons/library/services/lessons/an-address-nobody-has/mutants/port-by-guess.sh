#!/bin/sh
# about: no target port, as if the Service found out where the program listens
# fails: reach: The port of a Service is for its visitors
set -e
kubectl expose deployment blue --name=shop --port=80
