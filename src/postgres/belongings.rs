//! What belongs to a database and to nothing in it: settings, privileges, limit, comment. No dump brings them back.

use super::PostgresError;
use super::session::{Session, identifier, literal};
use crate::model::Belongings;

/// All of it in one value. `datacl` without a value: nobody has changed who may do what.
const ASK: &str = "\
SELECT json_build_object('limit', nullif(datconnlimit, -1), 'comment', shobj_description(d.oid, 'pg_database'),
  'privileges', CASE WHEN datacl IS NOT NULL THEN (SELECT coalesce(json_agg(json_build_object('what', a.privilege_type,
    'to', CASE a.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(a.grantee) END, 'grantable', a.is_grantable)), '[]')
    FROM aclexplode(datacl) a) END,
  'settings', (SELECT coalesce(json_agg(json_build_object('name', split_part(s, '=', 1), 'value', substr(s, strpos(s, '=') + 1),
    'role', CASE setrole WHEN 0 THEN NULL ELSE pg_get_userbyid(setrole) END) ORDER BY setrole, s), '[]')
    FROM pg_db_role_setting r, unnest(r.setconfig) s WHERE r.setdatabase = d.oid))
FROM pg_database d WHERE datname = NAME;";

/// What may be done with a database: nothing else is granted, whatever a backup says.
const PRIVILEGES: [&str; 3] = ["CONNECT", "CREATE", "TEMPORARY"];

/// Settings that are lists of names, whose kept value is quoted name by name (`GUC_LIST_QUOTE`): as one text it would be one name.
const LISTS: [&str; 4] = ["local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"];

/// Asks what belongs to a database.
pub(super) fn belongings(session: &mut Session, database: &str) -> Result<Belongings, PostgresError> {
    let answer = session.one(&ASK.replace("NAME", &literal(database)))?;
    serde_json::from_value(answer).map_err(|_| PostgresError::Answer("psql"))
}

/// Returns the statements that give it all to a new database, in a transaction.
pub(super) fn give(to: &str, owner: &str, belongings: &Belongings) -> String {
    let database = identifier(to);
    let limit = belongings.limit.unwrap_or(-1);
    let comment = belongings.comment.as_deref().map_or_else(|| "NULL".to_owned(), literal);
    let mut sql =
        format!("ALTER DATABASE {database} CONNECTION LIMIT {limit};\nCOMMENT ON DATABASE {database} IS {comment};\n");
    if let Some(privileges) = &belongings.privileges {
        sql.push_str(&format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC, {};\n", identifier(owner)));
        for privilege in privileges.iter().filter(|privilege| PRIVILEGES.contains(&privilege.what.as_str())) {
            let to = privilege.to.as_deref().map_or_else(|| "PUBLIC".to_owned(), identifier);
            let more = if privilege.grantable { " WITH GRANT OPTION" } else { "" };
            sql.push_str(&format!("GRANT {} ON DATABASE {database} TO {to}{more};\n", privilege.what));
        }
    }
    for setting in &belongings.settings {
        let whose = match &setting.role {
            Some(role) => format!("ROLE {} IN DATABASE", identifier(role)),
            None => "DATABASE".to_owned(),
        };
        let (name, value) = (identifier(&setting.name), literal(&setting.value));
        if LISTS.contains(&setting.name.as_str()) {
            // Set here for a moment, so that the server takes the list apart.
            let here = format!("SELECT 1 WHERE set_config({}, {value}, true) IS NULL", literal(&setting.name));
            sql.push_str(&format!("{here};\nALTER {whose} {database} SET {name} FROM CURRENT;\nRESET {name};\n"));
        } else {
            sql.push_str(&format!("ALTER {whose} {database} SET {name} TO {value};\n"));
        }
    }
    sql
}
