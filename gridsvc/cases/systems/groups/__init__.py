"""Orders to a group (群指令): what inboxes are told, said in chat groups, answered there."""
